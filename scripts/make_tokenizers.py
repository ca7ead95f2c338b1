#!/usr/bin/env python3
"""Writes tests/encoder/reference/tokenizers.json: small tokenizers, texts and what Hugging Face makes of them.

    pip install tokenizers==0.23.3
    python3 scripts/make_tokenizers.py

The vocabulary and the texts are written here; the ids are those of the library.
"""

import json
from pathlib import Path

import tokenizers
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, processors

OUT = Path(__file__).resolve().parent.parent / "tests/encoder/reference/tokenizers.json"
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PIECES = [*"abcdefghijklmnopqrstuvwxyz", *(f"##{c}" for c in "abcdefghijklmnopqrstuvwxyz"),
          "the", "cat", "grid", "on", "a", "##ing", ",", "-", "é", "É", "R", "The"]


def base(**model):
    words = list(dict.fromkeys(SPECIAL + PIECES))
    one = Tokenizer(models.WordPiece({word: at for at, word in enumerate(words)}, unk_token="[UNK]", **model))
    one.normalizer = normalizers.BertNormalizer()
    one.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    one.add_special_tokens(SPECIAL)
    one.post_processor = frame("[CLS] $A [SEP]")
    return one


def frame(single):
    return processors.TemplateProcessing(
        single=single, pair="$A:0 $B:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3), ("[MASK]", 4)])


def added(**flags):
    one = base()
    one.add_tokens([AddedToken("ReRAM", **flags), AddedToken("graf", **flags), AddedToken("re-ram", **flags)])
    return one


def changed(**parts):
    one = base()
    for name, part in parts.items():
        setattr(one, name, part)
    return one


def uncased(**flags):
    return normalizers.BertNormalizer(**flags)


MADE = {
    "plain": base(),
    "normalized": added(normalized=True),
    "raw": added(normalized=False),
    "single word": added(normalized=True, single_word=True),
    "raw single word": added(normalized=False, single_word=True),
    "left": added(normalized=True, lstrip=True),
    "right": added(normalized=False, rstrip=True),
    "both sides, special": added(normalized=False, lstrip=True, rstrip=True, special=True),
    "no end mark": changed(post_processor=frame("[CLS] $A")),
    "two marks": changed(post_processor=frame("[CLS] [MASK] $A [SEP]")),
    "no frame": changed(post_processor=processors.TemplateProcessing(single="$A", pair="$A $B", special_tokens=[])),
    "bert frame": changed(post_processor=processors.BertProcessing(("[MASK]", 4), ("[CLS]", 2))),
    "roberta frame": changed(post_processor=processors.RobertaProcessing(("[SEP]", 3), ("[CLS]", 2))),
    "cased": changed(normalizer=uncased(lowercase=False)),
    "cased, no accents": changed(normalizer=uncased(lowercase=False, strip_accents=True)),
    "accents stay": changed(normalizer=uncased(strip_accents=False)),
    "not cleaned": changed(normalizer=uncased(clean_text=False)),
    "short words": base(max_input_chars_per_word=4),
    "other prefix": base(continuing_subword_prefix="@@"),
}
TEXTS = [
    "the cat", "ReRAM", "a ReRAM grid", "reram", "RERAM,reram", "grafts", "graf", "the graf , on", "a-graf-a",
    "re-ram re-RAM Re-Ram", "xReRAM ReRAMx _graf graf_", "  graf  ", "[MASK]graf[SEP] [sep]", "ca\u0301t É é",
    "graf\u200bgraf", "griding cats \u4e00", "the\u00a0cat\tgraf\n", "grafgraf", "The Cat R", "",
]


def main():
    made = []
    for name, one in MADE.items():
        cases = [{"text": text, "ids": one.encode(text).ids} for text in TEXTS]
        made.append({"name": name, "tokenizer": json.loads(one.to_str()), "cases": cases})
    whole = {"tokenizers": tokenizers.__version__, "made": made}
    OUT.write_text(json.dumps(whole, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
    print(OUT, OUT.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
