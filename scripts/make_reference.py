#!/usr/bin/env python3
"""Makes tests/encoder/reference: what the original implementations give, to hold ours against.

    words.json              texts and their ids, by the Hugging Face tokenizer of MiniLM
    minilm.safetensors      last layer and mean of sentences, by transformers' FlaxBertModel on the
                            shipped weights of 4 bits as numbers of 32 bits
    {bert,distilbert,vit}/  small models with drawn weights in the layout of the Hugging Face hub,
                            inputs, and the class scores that transformers gives

    python3 -m venv venv
    venv/bin/pip install transformers==4.48.3 flax==0.10.2 "jax[cpu]==0.4.38" "numpy<2.2" \\
        safetensors==0.8.0
    venv/bin/python scripts/make_reference.py
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import safetensors.numpy
from tokenizers import Tokenizer
from transformers import (FlaxBertForSequenceClassification, FlaxBertModel,
                          FlaxDistilBertForSequenceClassification, FlaxViTForImageClassification)

sys.path.insert(0, str(Path(__file__).parent))
from fetch import minilm_files  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "tests" / "encoder" / "reference"

# What a tokenizer may stumble over. The sentences are our own.
TEXTS = [
    "A ramp ADC stops at the fifth crossing.",
    "Café naïve Ångström œuvre Ünïcödé",
    "北京是中国的首都",
    "東京タワー and 서울",
    "don't... can't?! (well-known) $3.50 #42 @home a_b",
    "state-of-the-art — en–dash “quotes” ‘single’ … «guillemets»",
    "tabs\tand\nnew\r\nlines  and\u00a0no-break\u2003em\u200bzero",
    "supercalifragilisticexpialidocious antidisestablishmentarianism",
    "x" * 101,
    "y" * 100,
    "emoji 😀 🇩🇪 and ✓ ∑ √2 ≤ ½ ² №",
    "ΑΣ ΟΔΟΣ Σίσυφος",
    "İstanbul ıI ﬁne ﬂow ǅ ß ẞ",
    "cafe\u0301 e\u0323\u0302 \u0300 a\u0338",
    "\u0000\ufffd\u0007bell\u200d\u202ejoin\ue000private",
    "[CLS] inside [MASK]ed text [SEP] [unused1] [PAD]",
    "नमस्ते दुनिया ไทย עברית العربية",
    "𠀀𪜀 rare han 豈 ㍿ ㄅ",
    "`back~tick^ <tag> |pipe| {a=b} \\slash ¿qué? ¡sí! § ¶ ·",
    "",
    "   ",
    "MiXeD CaSe ABC123abc 1,000,000.00 3.14e-10 http://example.org/a?b=c&d=1",
]

SENTENCES = [
    "A ramp ADC stops at the fifth crossing.",
    "Noise.",
    "Two people are playing chess in the park while a dog sleeps under the table, and nobody seems "
    "to notice that it has begun to rain on the newspapers which somebody left on the bench.",
    "The largest scores trip first; the others are never converted.",
]


def words(tokenizer):
    return [{"text": text, "ids": tokenizer.encode(text).ids} for text in TEXTS]


def unpacked(weights):
    """Matrices of 4 bits as numbers."""
    out = {}
    for name, value in weights.items():
        if name.endswith(".scale"):
            continue
        if name.endswith(".int4"):
            name = name.removesuffix(".int4")
            codes = np.stack([value & 15, value >> 4], axis=-1).reshape(len(value), -1)
            scale = weights[name + ".scale"].astype(np.float32)
            value = (codes.astype(np.float32) - 8) * scale[:, None]
        out[name] = value.astype(np.float32)
    return out


def minilm_model():
    """MiniLM with the shipped weights, in the original's forward pass."""
    folder = ROOT / "data" / "minilm"
    weights = unpacked(safetensors.numpy.load_file(folder / "model.safetensors"))
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "config.json").write_bytes((folder / "config.json").read_bytes())
        safetensors.numpy.save_file(weights, Path(name) / "model.safetensors",
                                    metadata={"format": "pt"})
        return FlaxBertModel.from_pretrained(name, add_pooling_layer=False)


def minilm(tokenizer):
    model = minilm_model()
    out = {}
    for at, text in enumerate(SENTENCES):
        ids = np.array([tokenizer.encode(text).ids])
        last = np.asarray(model(ids).last_hidden_state[0], np.float32)
        out[f"ids.{at}"] = ids[0].astype(np.int32)
        out[f"mean.{at}"] = last.mean(axis=0)
        out[f"first.{at}"] = last[0].copy()
    return out


class Draw:
    """Weights in PyTorch's layout."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.weights = {}

    def tensor(self, name, *shape, scale=0.5, mean=0.0):
        self.weights[name] = (mean + scale * self.random.standard_normal(shape)).astype(np.float32)

    def linear(self, name, outputs, inputs):
        self.tensor(f"{name}.weight", outputs, inputs, scale=1.5 / np.sqrt(inputs))
        self.tensor(f"{name}.bias", outputs, scale=0.3)

    def norm(self, name, features):
        self.tensor(f"{name}.weight", features, mean=1.0, scale=0.2)
        self.tensor(f"{name}.bias", features, scale=0.2)


def write(name, config, draw, inputs, model_class, argument, dtype=np.float32):
    folder = OUT / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    weights = {key: value.astype(dtype) for key, value in draw.weights.items()}
    safetensors.numpy.save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    model, missing = None, None
    with tempfile.TemporaryDirectory() as other:
        # The original gets the same numbers in 32 bits.
        (Path(other) / "config.json").write_text(json.dumps(config))
        wide = {key: value.astype(np.float32) for key, value in weights.items()}
        safetensors.numpy.save_file(wide, Path(other) / "model.safetensors",
                                    metadata={"format": "pt"})
        model = model_class.from_pretrained(other)
    out = {}
    for at, value in enumerate(inputs):
        scores = np.asarray(model(**{argument: value[None]}).logits[0], np.float32)
        out[f"input.{at}"] = value.astype(np.int32 if value.dtype.kind == "i" else np.float32)
        out[f"scores.{at}"] = scores
    safetensors.numpy.save_file(out, folder / "expected.safetensors")


def texts(vocabulary, seed):
    random = np.random.default_rng(seed)
    return [random.integers(0, vocabulary, length) for length in (1, 5, 12)]


def bert():
    hidden, mlp, layers, vocabulary, positions, labels = 24, 40, 3, 50, 16, 3
    config = {"model_type": "bert", "hidden_act": "gelu", "hidden_size": hidden,
              "intermediate_size": mlp, "layer_norm_eps": 1e-12, "num_hidden_layers": layers,
              "max_position_embeddings": positions, "num_attention_heads": 4,
              "type_vocab_size": 2, "vocab_size": vocabulary, "num_labels": labels,
              "id2label": {str(at): str(at) for at in range(labels)}}
    draw = Draw(1)
    for name, rows in [("word", vocabulary), ("position", positions), ("token_type", 2)]:
        draw.tensor(f"bert.embeddings.{name}_embeddings.weight", rows, hidden)
    draw.norm("bert.embeddings.LayerNorm", hidden)
    for layer in range(layers):
        at = f"bert.encoder.layer.{layer}"
        for name in ("query", "key", "value"):
            draw.linear(f"{at}.attention.self.{name}", hidden, hidden)
        draw.linear(f"{at}.attention.output.dense", hidden, hidden)
        draw.norm(f"{at}.attention.output.LayerNorm", hidden)
        draw.linear(f"{at}.intermediate.dense", mlp, hidden)
        draw.linear(f"{at}.output.dense", hidden, mlp)
        draw.norm(f"{at}.output.LayerNorm", hidden)
    draw.linear("bert.pooler.dense", hidden, hidden)
    draw.linear("classifier", labels, hidden)
    write("bert", config, draw, texts(vocabulary, 2), FlaxBertForSequenceClassification,
          "input_ids")


def distilbert():
    hidden, mlp, layers, vocabulary, positions, labels = 20, 36, 2, 40, 14, 2
    config = {"model_type": "distilbert", "activation": "gelu", "dim": hidden, "hidden_dim": mlp,
              "n_layers": layers, "n_heads": 5, "max_position_embeddings": positions,
              "vocab_size": vocabulary, "sinusoidal_pos_embds": False,
              "id2label": {str(at): str(at) for at in range(labels)}}
    draw = Draw(3)
    for name, rows in [("word", vocabulary), ("position", positions)]:
        draw.tensor(f"distilbert.embeddings.{name}_embeddings.weight", rows, hidden)
    draw.norm("distilbert.embeddings.LayerNorm", hidden)
    for layer in range(layers):
        at = f"distilbert.transformer.layer.{layer}"
        for name in ("q_lin", "k_lin", "v_lin", "out_lin"):
            draw.linear(f"{at}.attention.{name}", hidden, hidden)
        draw.norm(f"{at}.sa_layer_norm", hidden)
        draw.linear(f"{at}.ffn.lin1", mlp, hidden)
        draw.linear(f"{at}.ffn.lin2", hidden, mlp)
        draw.norm(f"{at}.output_layer_norm", hidden)
    draw.linear("pre_classifier", hidden, hidden)
    draw.linear("classifier", labels, hidden)
    write("distilbert", config, draw, texts(vocabulary, 4),
          FlaxDistilBertForSequenceClassification, "input_ids")


def vit():
    hidden, mlp, layers, image, patch, channels, labels = 16, 24, 2, 12, 4, 2, 5
    tokens = (image // patch) ** 2 + 1
    config = {"model_type": "vit", "hidden_act": "gelu", "hidden_size": hidden,
              "intermediate_size": mlp, "layer_norm_eps": 1e-6, "num_hidden_layers": layers,
              "num_attention_heads": 2, "image_size": image, "patch_size": patch,
              "num_channels": channels, "qkv_bias": True,
              "id2label": {str(at): str(at) for at in range(labels)}}
    draw = Draw(5)
    draw.tensor("vit.embeddings.cls_token", 1, 1, hidden)
    draw.tensor("vit.embeddings.position_embeddings", 1, tokens, hidden)
    draw.tensor("vit.embeddings.patch_embeddings.projection.weight", hidden, channels, patch, patch)
    draw.tensor("vit.embeddings.patch_embeddings.projection.bias", hidden)
    for layer in range(layers):
        at = f"vit.encoder.layer.{layer}"
        for name in ("query", "key", "value"):
            draw.linear(f"{at}.attention.attention.{name}", hidden, hidden)
        draw.linear(f"{at}.attention.output.dense", hidden, hidden)
        draw.norm(f"{at}.layernorm_before", hidden)
        draw.norm(f"{at}.layernorm_after", hidden)
        draw.linear(f"{at}.intermediate.dense", mlp, hidden)
        draw.linear(f"{at}.output.dense", hidden, mlp)
    draw.norm("vit.layernorm", hidden)
    draw.linear("classifier", labels, hidden)
    random = np.random.default_rng(6)
    images = [random.uniform(-1, 1, (channels, image, image)).astype(np.float32) for _ in range(3)]
    write("vit", config, draw, images, FlaxViTForImageClassification, "pixel_values", np.float16)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, default=None, help="folder of downloads")
    options = parser.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer.from_str(minilm_files(options.cache)["tokenizer.json"].decode())
    tokenizer.no_truncation()
    tokenizer.no_padding()
    (OUT / "words.json").write_text(
        json.dumps(words(tokenizer), ensure_ascii=True, indent=0) + "\n")
    safetensors.numpy.save_file(minilm(tokenizer), OUT / "minilm.safetensors")
    bert()
    distilbert()
    vit()


if __name__ == "__main__":
    main()
