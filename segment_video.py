"""Segment one video: `python segment_video.py --input input/video_1.mp4 --model lraspp`."""

import sys

from liveseg.tutorial import segment_video

if __name__ == "__main__":
    sys.exit(segment_video.main())
