"""Segment one image: `python segment_image.py --input input/image_1.jpg --model deeplabv3`."""

import sys

from liveseg.tutorial import segment_image

if __name__ == "__main__":
    sys.exit(segment_image.main())
