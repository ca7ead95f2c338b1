#!/usr/bin/env python3
"""Makes tests/training/reference.npz: what the ViT of data/vit gives for test images, by numpy in float64.

    python3 scripts/make_vit_reference.py            # writes the file
    python3 scripts/make_vit_reference.py --check    # only compares

Needs numpy. For the first IMAGES test images and each way of attention: the class scores, and for the
first one the output of the last block. The ways are `all` (every key), `k5` (the five largest scores of
a row) and `k3_2` (three of the first 34 keys, two of the other 16). Quantised operands are left out: a value
on the edge between two codes falls either way with the precision, and then everything behind it differs.
Nothing is shared with the Rust code but the files that it reads.
"""

import argparse
import gzip
import json
import math
import struct
from pathlib import Path

import numpy as np

IMAGES = 6
HEADS, LAYERS, PATCH, EPSILON = 4, 5, 4, 1e-6
WEIGHTS = "plain-seed1"


def load(path):
    """Tensors of a safetensors file in float64."""
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + length])
    header.pop("__metadata__")
    body = data[8 + length:]
    tensors = {}
    for name, entry in header.items():
        assert entry["dtype"] == "F16"
        start, end = entry["data_offsets"]
        values = np.frombuffer(body[start:end], dtype="<f2")
        tensors[name] = values.reshape(entry["shape"]).astype(np.float64)
    return tensors


def images(path, count):
    data = gzip.decompress(path.read_bytes())
    _, total, rows, columns = struct.unpack(">IIII", data[:16])
    assert (total, rows, columns) == (10000, 28, 28)
    pixels = np.frombuffer(data[16:16 + count * 784], dtype=np.uint8)
    return (pixels.reshape(count, 28, 28) / 255.0 - 0.5) / 0.5


def gelu(x):
    erf = np.vectorize(math.erf)
    return 0.5 * x * (1.0 + erf(x / math.sqrt(2.0)))


def norm(x, w, name):
    mean = x.mean(axis=-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(axis=-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + EPSILON) * w[name + ".weight"] + w[name + ".bias"]


def linear(x, w, name):
    return x @ w[name + ".weight"].T + w[name + ".bias"]


def kept(scores, tiles):
    """A mask of the largest scores of each tile's share; ties to the lower index."""
    mask = np.zeros(scores.shape, dtype=bool)
    start = 0
    for size, k in tiles:
        order = np.argsort(-scores[..., start:start + size], axis=-1, kind="stable")[..., :k]
        np.put_along_axis(mask[..., start:start + size], order, True, axis=-1)
        start += size
    return mask


def attention(q, k, v, tiles):
    scores = q @ k.swapaxes(-1, -2) / math.sqrt(q.shape[-1])
    if tiles is not None:
        scores = np.where(kept(scores, tiles), scores, -np.inf)
    shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares /= shares.sum(axis=-1, keepdims=True)
    return shares @ v


def forward(w, pixels, tiles):
    count = len(pixels)
    grid = 28 // PATCH
    patches = pixels.reshape(count, grid, PATCH, grid, PATCH).transpose(0, 1, 3, 2, 4)
    patches = patches.reshape(count, grid * grid, PATCH * PATCH)
    name = "vit.embeddings.patch_embeddings.projection"
    x = patches @ w[name + ".weight"].reshape(64, -1).T + w[name + ".bias"]
    cls = np.broadcast_to(w["vit.embeddings.cls_token"], (count, 1, 64))
    x = np.concatenate([cls, x], axis=1) + w["vit.embeddings.position_embeddings"]
    for layer in range(LAYERS):
        at = f"vit.encoder.layer.{layer}."
        y = norm(x, w, at + "layernorm_before")
        q, k, v = (linear(y, w, at + "attention.attention." + part)
                   .reshape(count, 50, HEADS, 16).swapaxes(1, 2)
                   for part in ("query", "key", "value"))
        y = attention(q, k, v, tiles).swapaxes(1, 2).reshape(count, 50, 64)
        x = x + linear(y, w, at + "attention.output.dense")
        y = norm(x, w, at + "layernorm_after")
        y = gelu(linear(y, w, at + "intermediate.dense"))
        x = x + linear(y, w, at + "output.dense")
    y = norm(x[:, 0], w, "vit.layernorm")
    return linear(y, w, "classifier"), x[0]


def main():
    home = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if the file differs")
    args = parser.parse_args()
    pixels = images(home / "data/fashion-mnist/t10k-images-idx3-ubyte.gz", IMAGES)
    weights = load(home / f"data/vit/{WEIGHTS}.safetensors")
    out = {}
    for name, result in (
        ("all", forward(weights, pixels, None)),
        ("k5", forward(weights, pixels, [(50, 5)])),
        ("k3_2", forward(weights, pixels, [(34, 3), (16, 2)])),
    ):
        out[name + ".scores"], out[name + ".stream"] = (x.astype(np.float32) for x in result)
        print(name, out[name + ".scores"].argmax(axis=-1))
    path = home / "tests/training/reference.npz"
    if args.check:
        there = np.load(path)
        same = all(np.abs(there[name] - values).max() < 1e-5 for name, values in out.items())
        print("same" if same else "differs")
        raise SystemExit(0 if same else 1)
    np.savez(path, **out)
    print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
