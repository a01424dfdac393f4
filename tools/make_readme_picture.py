"""Make the picture of the README: the two sample photos beside their overlays.

python tools/make_readme_picture.py
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from liveseg import Segmenter
from liveseg.media.images import write_image

ROOT = Path(__file__).parent.parent
HEIGHT = 240


def main() -> None:
    segmenter = Segmenter()
    tiles = []
    for name in ("image_1.jpg", "image_2.jpg"):
        found = segmenter(ROOT / "input" / name)
        for picture in (found.image, found.overlay()):
            width = round(picture.shape[1] * HEIGHT / picture.shape[0])
            tiles.append(cv2.resize(picture, (width, HEIGHT), interpolation=cv2.INTER_AREA))
    written = write_image(ROOT / "docs" / "images" / "front.jpg", np.hstack(tiles), quality=88, overwrite=True)
    print(written, written.stat().st_size)


if __name__ == "__main__":
    main()
