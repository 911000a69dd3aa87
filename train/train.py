"""Trains the network of the neural detector, and prints its weights.

    python3 train/train.py --data FOLDER --out src/vad/speech_weights.ts

FOLDER holds what train/features.ts wrote: train*.features, .labels and .json,
and tune.features and so on. Needs Debian's python3-torch, python3-numpy and, to take minutes instead of
hours, libopenblas0-pthread.
"""

import argparse
import base64
import glob
import json
import time

import numpy as np
import torch
from torch import nn

FEATURES = 55
HOPS = 3000  # of a scene of 30 s
CHUNK = 150  # hops between two steps: back-propagation is cut there
BATCH = 192


class Network(nn.Module):
    """What src/vad/speech_network.ts computes, for many scenes at once."""

    def __init__(self, dense, hidden):
        super().__init__()
        self.dense = nn.Linear(FEATURES, dense)
        self.gru = nn.GRU(dense, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x, state):
        x, state = self.gru(torch.tanh(self.dense(x)), state)
        return self.out(x).squeeze(-1), state


class Scenes:
    """Features stay on the disk until a batch needs them: they are gigabytes."""

    def __init__(self, pattern, delay, left_out=frozenset(), most=None):
        self.features, self.rows = [], []
        labels, self.noises = [], []
        for path in sorted(glob.glob(pattern + ".features")):
            base = path[: -len(".features")]
            features = np.memmap(path, np.float32, "r").reshape(-1, HOPS, FEATURES)
            truth = np.fromfile(base + ".labels", np.uint8).reshape(-1, HOPS)
            for row, noises in enumerate(json.load(open(base + ".json"))):
                if left_out.intersection(noises) or len(labels) == most:
                    continue
                self.rows.append((len(self.features), row))
                labels.append(truth[row])
                self.noises.append(noises)
            self.features.append(features)
        if not self.rows:
            raise SystemExit(f"Cannot train without scenes: no {pattern}.features")
        self.y = delayed(np.stack(labels), delay)

    def x(self, chosen):
        rows = [self.rows[i] for i in chosen]
        return torch.from_numpy(np.stack([self.features[f][r] for f, r in rows]))


def delayed(y, hops):
    """The truth as it is asked for: later, when more has been heard."""
    return np.pad(y, ((0, 0), (hops, 0)))[:, : y.shape[1]]


def weights_of(y):
    """Nobody can tell to 10 ms where speech begins: borders count less."""
    edge = np.zeros(y.shape, np.float32)
    change = (y[:, 1:] != y[:, :-1]).astype(np.float32)
    for shift in (-1, 0, 1):
        rolled = np.roll(change, shift, 1)
        edge[:, 1:] = np.maximum(edge[:, 1:], rolled)
    return 1 - 0.6 * edge


def evaluate(net, scenes, threshold=0.5):
    net.eval()
    scores = []
    with torch.no_grad():
        for i in range(0, len(scenes.y), 256):
            chosen = range(i, min(i + 256, len(scenes.y)))
            logits, _ = net(scenes.x(chosen), None)
            scores.append(torch.sigmoid(logits).numpy())
    p = np.concatenate(scores)
    guess, truth = p > threshold, scenes.y > 0
    return f1(guess, truth), p


def f1(guess, truth):
    tp = (guess & truth).sum()
    return 2 * tp / max(1, guess.sum() + truth.sum())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--out")
    parser.add_argument("--save", help="where to keep the state, for --start")
    parser.add_argument("--start", help="a state to go on from")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--dense", type=int, default=40)
    parser.add_argument("--hidden", type=int, default=48)
    parser.add_argument("--rate", type=float, default=4e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--delay", type=int, default=0, help="hops until the answer")
    parser.add_argument(
        "--amid-voices", type=float, default=1.0, help="what speech among babble counts"
    )
    parser.add_argument("--leave-out", default="", help="kinds of noise: hum,fan")
    parser.add_argument("--scenes", type=int, help="how many; all without it")
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    rng = np.random.default_rng(options.seed)
    torch.set_num_threads(1)
    left_out = set(filter(None, options.leave_out.split(",")))
    train = Scenes(f"{options.data}/train*", options.delay, left_out, options.scenes)
    tune = Scenes(f"{options.data}/tune", options.delay)
    weights = weights_of(train.y)
    # A voice among voices is missed more easily than one among other noises.
    amid = np.array(["babble" in noises for noises in train.noises])
    weights[amid[:, None] & (train.y > 0)] *= options.amid_voices
    net = Network(options.dense, options.hidden)
    if options.start:
        net.load_state_dict(torch.load(options.start))
    count = sum(p.numel() for p in net.parameters())
    print(f"{len(train.y)} scenes, {count} weights", flush=True)
    optimizer = torch.optim.AdamW(net.parameters(), options.rate, weight_decay=1e-4)
    steps = options.epochs * (len(train.y) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, options.rate, total_steps=steps + 1, pct_start=0.1
    )
    for epoch in range(options.epochs):
        net.train()
        begin, total, seen = time.time(), 0.0, 0
        order = rng.permutation(len(train.y))
        for i in range(0, len(order) - BATCH + 1, BATCH):
            chosen = np.sort(order[i : i + BATCH])
            x = train.x(chosen)
            y = torch.from_numpy(train.y[chosen].astype(np.float32))
            w = torch.from_numpy(weights[chosen])
            state = None
            for at in range(0, HOPS, CHUNK):
                part = slice(at, at + CHUNK)
                logits, state = net(x[:, part], state)
                state = state.detach()
                loss = nn.functional.binary_cross_entropy_with_logits(
                    logits, y[:, part], w[:, part]
                )
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(net.parameters(), 1.0)
                optimizer.step()
                total += loss.item()
                seen += 1
            schedule.step()
        (score, _) = evaluate(net, tune)
        print(
            f"epoch {epoch + 1}: loss {total / seen:.4f}, F1 of tune {score:.4f}, "
            f"{time.time() - begin:.0f} s",
            flush=True,
        )
        if options.save:
            torch.save(net.state_dict(), options.save)
    score, p = evaluate(net, tune)
    by_noise = {}
    for i, names in enumerate(tune.noises):
        by_noise.setdefault("+".join(names) if len(names) < 2 else "two", []).append(i)
    for name, rows in sorted(by_noise.items()):
        truth = tune.y[rows] > 0
        guess = p[rows] > 0.5
        silent = truth.sum(1) == 0
        print(
            f"{name or 'clean'}: F1 {f1(guess[~silent], truth[~silent]):.3f}, "
            f"speech where nobody speaks {100 * guess[silent].mean() if silent.any() else 0:.1f} %"
        )
    if options.out:
        write(net, options)


def write(net, options):
    """Each tensor as 16-bit whole numbers and the size of one step."""
    tensors = []
    for name, tensor in net.state_dict().items():
        values = tensor.numpy().astype(np.float64)
        step = np.abs(values).max() / 32767
        whole = np.round(values / step).astype("<i2")
        text = base64.b64encode(whole.tobytes()).decode()
        tensors.append((name, list(values.shape), step, text))
    lines = [
        "/**",
        " * Weights of the neural detector, printed by `train/train.py`: last training with",
        f" * seed {options.seed}, {options.epochs} epochs, answers {options.delay} hops late.",
        " * `train/README.md` has the whole recipe, and lists the recordings.",
        " *",
        " * @module",
        " */",
        "",
        "/** A tensor: whole numbers of 16 bits (little-endian, base64) times a step. */",
        "export interface QuantizedTensor {",
        "  readonly shape: readonly number[];",
        "  readonly step: number;",
        "  readonly base64: string;",
        "}",
        "",
        "/** The tensors by their name in PyTorch. */",
        "// deno-fmt-ignore",
        "export const SPEECH_WEIGHTS: Readonly<Record<string, QuantizedTensor>> = {",
    ]
    for name, shape, step, text in tensors:
        lines.append(
            f'  "{name}": {{ shape: {json.dumps(shape)}, step: {step:.9e}, base64: "{text}" }},'
        )
    lines += ["};", ""]
    with open(options.out, "w") as file:
        file.write("\n".join(lines))


main()
