#!/usr/bin/env python3
"""What k largest scores cost on the mails of data/mails, without this project's code: MiniLM in jax.

Prints, for float heads that keep k of 256 scores: the mean cosine to the embeddings by all scores, and
the share of the 400 test mails told apart by the shipped probe, by probes of other strengths lambda
fitted on dense embeddings, and by the same fitted anew on embeddings with k scores. Before that, what
each strength comes to on the 600 training mails alone: ten folds, ten times over.

    venv/bin/python scripts/check_mails.py 1 5 20      # the venv of scripts/make_mails.py; 2 minutes a k
"""

import argparse
from functools import partial
from math import sqrt
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import safetensors.numpy
from jax.scipy.special import erf

from make_reference import unpacked

ROOT = Path(__file__).resolve().parent.parent
LAYERS, HEADS, SIZE = 6, 12, 32
STRENGTHS = (0.01, 0.1, 0.3, 1.0, 3.0, 10.0)


@partial(jax.jit, static_argnums=2)
def embeddings(weights, tokens, k):
    def linear(x, name):
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def norm(x, name):
        mean = x.mean(-1, keepdims=True)
        spread = jnp.sqrt(((x - mean) ** 2).mean(-1, keepdims=True) + 1e-12)
        return (x - mean) / spread * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    rows, length = tokens.shape
    x = weights["embeddings.word_embeddings.weight"][tokens]
    x = x + weights["embeddings.position_embeddings.weight"][:length]
    x = norm(x + weights["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    for layer in range(LAYERS):
        at = f"encoder.layer.{layer}"
        q, key, v = (
            linear(x, f"{at}.attention.self.{name}")
            .reshape(rows, length, HEADS, SIZE).transpose(0, 2, 1, 3)
            for name in ("query", "key", "value"))
        scores = q @ key.transpose(0, 1, 3, 2) / sqrt(SIZE)
        if k < length:
            # Exactly k of a row: equal scores beyond the k-th are left out.
            chosen = jax.lax.top_k(scores, k)[1]
            row, head, query, _ = jnp.ogrid[:rows, :HEADS, :length, :1]
            kept = jnp.zeros(scores.shape, bool).at[row, head, query, chosen].set(True)
            scores = jnp.where(kept, scores, -jnp.inf)
        out = (jax.nn.softmax(scores, -1) @ v).transpose(0, 2, 1, 3).reshape(rows, length, -1)
        x = norm(x + linear(out, f"{at}.attention.output.dense"), f"{at}.attention.output.LayerNorm")
        wide = linear(x, f"{at}.intermediate.dense")
        wide = wide * (1 + erf(wide / sqrt(2))) / 2
        x = norm(x + linear(wide, f"{at}.output.dense"), f"{at}.output.LayerNorm")
    return x.mean(1)


def fitted(features, labels, strength):
    """Ridge regression of +-1 on features and a constant, as scripts/make_mails.py fits it."""
    x = np.hstack([features, np.ones((len(features), 1))])
    y = np.where(labels[:, None] == np.arange(2), 1.0, -1.0)
    hold = strength * np.eye(x.shape[1])
    hold[-1, -1] = 0
    return np.linalg.solve(x.T @ x + hold, x.T @ y)


def right(probe, features, labels):
    x = np.hstack([features, np.ones((len(features), 1))])
    return 100 * ((x @ probe).argmax(1) == labels).mean()


def validated(features, labels, strength, times=10, folds=10):
    """Share of training mails told apart by probes that were fitted without them, and its standard error."""
    shares = []
    for seed in range(times):
        fold = np.random.default_rng(seed).permutation(len(labels)) % folds
        hits = np.empty(len(labels), bool)
        for held in (fold == at for at in range(folds)):
            probe = fitted(features[~held], labels[~held], strength)
            x = np.hstack([features[held], np.ones((held.sum(), 1))])
            hits[held] = (x @ probe).argmax(1) == labels[held]
        shares.append(hits.mean())
    share = np.mean(shares)
    return 100 * share, 100 * sqrt(share * (1 - share) / len(labels))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("k", type=int, nargs="*")
    options = parser.parse_args()
    stored = safetensors.numpy.load_file(ROOT / "data/minilm/model.safetensors")
    weights = {name: jnp.asarray(value, jnp.float32) for name, value in unpacked(stored).items()}
    mails = np.load(ROOT / "data/mails/mails.npz")
    tokens, labels = mails["tokens"].astype(np.int32), mails["label"].astype(int)
    test, training = mails["part"] == 0, mails["part"] == 1
    shipped = safetensors.numpy.load_file(ROOT / "data/mails/probe.safetensors")
    shipped = np.vstack([shipped["weight"].T, shipped["bias"][None]]).astype(float)

    def units(k):
        parts = [np.asarray(embeddings(weights, tokens[at:at + 20], k), np.float64)
                 for at in range(0, len(tokens), 20)]
        rows = np.concatenate(parts)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    dense = units(tokens.shape[1])
    for strength in STRENGTHS:
        share, error = validated(dense[training], labels[training], strength)
        print(f"lambda {strength:g} on the training mails alone: {share:.2f} +- {error:.2f}")
    print("k, cosine, shipped probe; for each lambda: dense probe / fitted anew, in percent")
    for k in [tokens.shape[1], *options.k]:
        rows = dense if k == tokens.shape[1] else units(k)
        cells = [f"{k}", f"{(rows * dense).sum(1).mean():.3f}",
                 f"{right(shipped, rows[test], labels[test]):.2f}"]
        for strength in STRENGTHS:
            probes = [fitted(some[training], labels[training], strength) for some in (dense, rows)]
            shares = [f"{right(probe, rows[test], labels[test]):.2f}" for probe in probes]
            cells.append(f"{strength:g}: " + " / ".join(shares))
        print(", ".join(cells), flush=True)


if __name__ == "__main__":
    main()
