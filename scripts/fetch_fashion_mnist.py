#!/usr/bin/env python3
"""Fetches the 60 000 training images of Fashion-MNIST into data/fashion-mnist/train.

They come out of the Debian package `dataset-fashion-mnist` (30.9 MB), fetched with `apt-get download`
and unpacked with `dpkg-deb -x` (no root, nothing is installed), or from an archive given with --deb:

    python3 scripts/fetch_fashion_mnist.py
    python3 scripts/fetch_fashion_mnist.py --deb dataset-fashion-mnist_0.0~git20200523.55506a9-1_all.deb

Where there is no apt, take that file from <https://packages.debian.org/dataset-fashion-mnist>. The package and
every file are checked by sha256; a file appears whole or not at all.
"""

import argparse
import hashlib
import os
import subprocess
import tempfile
from pathlib import Path

PACKAGE = "dataset-fashion-mnist"
DEB_SHA256 = "39e172fe32dd318ebb3e512220c3beea2fa47d7e20bab348fb4e0922d6beefc0"
FOLDER = "usr/share/datasets/fashion-mnist"
FILES = {
    "train-images-idx3-ubyte.gz": "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7",
    "train-labels-idx1-ubyte.gz": "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056",
}


def checked(path, want):
    data = path.read_bytes()
    got = hashlib.sha256(data).hexdigest()
    if got != want:
        raise SystemExit(f"{path.name}: sha256 is {got}, expected {want}")
    return data


def main():
    home = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--deb", type=Path, help="the Debian package, if it is here already")
    parser.add_argument("--out", type=Path, default=home / "data" / "fashion-mnist" / "train",
                        help="folder to write to (default: data/fashion-mnist/train)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        deb = args.deb and args.deb.resolve()
        if deb is None:
            subprocess.run(["apt-get", "download", PACKAGE], cwd=scratch, check=True)
            deb = next(scratch.glob("*.deb"))
        checked(deb, DEB_SHA256)
        subprocess.run(["dpkg-deb", "-x", deb, scratch / "root"], check=True)
        args.out.mkdir(parents=True, exist_ok=True)
        for name, want in FILES.items():
            data = checked(scratch / "root" / FOLDER / name, want)
            beside = args.out / (name + ".part")
            beside.write_bytes(data)
            os.replace(beside, args.out / name)
            print(f"{args.out / name}: {len(data)} bytes")


if __name__ == "__main__":
    main()
