"""The reference: what Earshot replaces, written from its documentation.

PyAudio hands over buffers, numpy turns them into float32 and measures them,
chunks are turned back into int16, and websockets sends them as base64 in JSON.

    python_client.py URL CHUNK_SAMPLES BUFFER_SIZE VAD_THRESHOLD
"""

import asyncio
import base64
import json
import sys
import threading

import numpy as np
import pyaudio
import websockets

SAMPLE_RATE = 24000
FULL_SCALE = 32768.0
AUTO_FLUSH_SECONDS = 0.2


class RealtimeConnectionManager:
    """A WebSocket to the Realtime API."""

    def __init__(self, url):
        self._url = url

    async def start(self):
        self._socket = await websockets.connect(self._url, max_size=None)
        self._receiver = asyncio.create_task(self._receive())

    async def send_event(self, event):
        await self._socket.send(json.dumps(event))

    async def _receive(self):
        async for message in self._socket:
            json.loads(message)


class AudioCaptureManager:
    """Owns the microphone and streams chunks with speech to a connection."""

    def __init__(self, connection, chunk_size, buffer_size, vad_threshold):
        self._connection = connection
        self._chunk_size = chunk_size
        self._buffer_size = buffer_size
        self._vad_threshold = vad_threshold
        self._buffer = np.empty(0, dtype=np.float32)
        self._queue = asyncio.Queue()
        self._flush_timer = None

    def start_recording(self):
        self._loop = asyncio.get_running_loop()
        self._audio = pyaudio.PyAudio()
        self._stream = self._audio.open(
            format=pyaudio.paInt16,
            channels=1,
            rate=SAMPLE_RATE,
            input=True,
            frames_per_buffer=self._buffer_size,
        )
        # Measured: cheaper than PyAudio's callbacks, and as punctual.
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while True:
            data = self._stream.read(
                self._buffer_size, exception_on_overflow=False
            )
            self._loop.call_soon_threadsafe(self._queue.put_nowait, data)

    async def process(self):
        while True:
            data = await self._queue.get()
            samples = np.frombuffer(data, dtype=np.int16).astype(np.float32)
            samples /= FULL_SCALE
            volume = float(np.sqrt(np.mean(samples * samples)))
            if volume < self._vad_threshold:
                continue
            self._buffer = np.concatenate((self._buffer, samples))
            while len(self._buffer) >= self._chunk_size:
                chunk = self._buffer[: self._chunk_size]
                self._buffer = self._buffer[self._chunk_size :]
                self._stop_flush_timer()
                await self._send(chunk)
            if len(self._buffer) > 0 and self._flush_timer is None:
                self._flush_timer = self._loop.call_later(
                    AUTO_FLUSH_SECONDS, self._flush
                )

    def _stop_flush_timer(self):
        if self._flush_timer is not None:
            self._flush_timer.cancel()
            self._flush_timer = None

    def _flush(self):
        self._flush_timer = None
        chunk = self._buffer
        self._buffer = np.empty(0, dtype=np.float32)
        asyncio.create_task(self._send(chunk))

    async def _send(self, chunk):
        pcm = (np.clip(chunk, -1.0, 1.0) * 32767).astype(np.int16).tobytes()
        await self._connection.send_event({
            "type": "input_audio_buffer.append",
            "audio": base64.b64encode(pcm).decode("ascii"),
        })


async def main(url, chunk_size, buffer_size, vad_threshold):
    connection = RealtimeConnectionManager(url)
    await connection.start()
    await connection.send_event({"type": "session.update", "session": {}})
    capture = AudioCaptureManager(
        connection, int(chunk_size), int(buffer_size), float(vad_threshold)
    )
    capture.start_recording()
    await capture.process()


asyncio.run(main(*sys.argv[1:]))
