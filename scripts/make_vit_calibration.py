#!/usr/bin/env python3
"""Makes data/vit/calibration-images-idx3-ubyte.gz: the first 64 training images of Fashion-MNIST.

Hardware is calibrated on them, and they appear in no result: results are of the test images. The
training images have to be there: python3 scripts/fetch_fashion_mnist.py
"""

import argparse
import gzip
from pathlib import Path

COUNT, SIDE = 64, 28


def main():
    home = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, help="the training images",
                        default=home / "data/fashion-mnist/train/train-images-idx3-ubyte.gz")
    options = parser.parse_args()
    content = gzip.decompress(options.images.read_bytes())
    if content[:4] != bytes([0, 0, 8, 3]) or len(content) != 16 + 60_000 * SIDE * SIDE:
        raise SystemExit(f"{options.images}: not the training images of Fashion-MNIST")
    header = bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4, "big") for n in (COUNT, SIDE, SIDE))
    images = content[16:16 + COUNT * SIDE * SIDE]
    path = home / "data/vit/calibration-images-idx3-ubyte.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    # No time of writing, so that the same images give the same file.
    path.write_bytes(gzip.compress(header + images, 9, mtime=0))
    print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
