"""The Python class's pipeline, offline: the reference of bench/offline.ts.

Written from what that class is documented to do: int16 -> float32 -> RMS and
threshold -> float32 chunks -> int16 -> base64 -> JSON, with numpy, one chunk at
a time. Reads a stretch of PCM16 from stdin, runs it as often as told, and prints
the CPU seconds that took as JSON.

Usage: offline.py CHUNK_SAMPLES THRESHOLD REPEATS
"""

import base64
import json
import sys
import time

import numpy as np


def messages(pcm, chunk_samples, threshold):
    """Yields the base64 of each chunk in which somebody speaks, and its message."""
    chunk_bytes = 2 * chunk_samples
    buffered = []
    buffered_samples = 0
    for begin in range(0, len(pcm), chunk_bytes):
        data = pcm[begin : begin + chunk_bytes]
        audio = np.frombuffer(data, dtype=np.int16).astype(np.float32) / 32768.0
        volume = float(np.sqrt(np.mean(audio**2)))
        if volume <= threshold:
            continue
        buffered.append(audio)
        buffered_samples += len(audio)
        if buffered_samples < chunk_samples:
            continue
        chunk = buffered[0] if len(buffered) == 1 else np.concatenate(buffered)
        buffered = []
        buffered_samples = 0
        pcm16 = (np.clip(chunk, -1.0, 1.0) * 32767).astype(np.int16)
        encoded = base64.b64encode(pcm16.tobytes()).decode("ascii")
        event = {"type": "input_audio_buffer.append", "audio": encoded}
        yield encoded, json.dumps(event)


def main():
    chunk_samples, threshold, repeats = sys.argv[1:]
    pcm = sys.stdin.buffer.read()
    characters = 0
    begin = time.process_time()
    for _ in range(int(repeats)):
        for audio, _ in messages(pcm, int(chunk_samples), float(threshold)):
            characters += len(audio)
    cpu_seconds = time.process_time() - begin
    print(json.dumps({"cpuSeconds": cpu_seconds, "characters": characters}))


main()
