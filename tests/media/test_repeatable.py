"""The same pictures become the same bytes, whatever the memory held before."""

from __future__ import annotations

import hashlib
import os
from fractions import Fraction
from itertools import islice

import av
import cv2
import numpy as np

from liveseg.media import open_source
from liveseg.media.color import YuvConverter
from liveseg.media.encoding import choose_encoding
from liveseg.media.video_track import add_video


def tinted(frame):
    """A mask's edge crosses the picture, as on most that are encoded here."""
    mask = cv2.circle(np.zeros(frame.image.shape[:2], np.uint8), (200 + frame.index, 150), 90, 1, -1) > 0
    picture = frame.image.copy()
    picture[mask] = 0.4 * picture[mask] + 0.6 * np.array((192, 128, 128))
    return picture


def test_h264_of_the_same_pictures_is_the_same_bytes_each_time(samples):
    with open_source(samples / "video_1.mp4") as source:
        pictures = [tinted(frame) for frame in islice(source, 12)]
    encoding = choose_encoding("clip.mp4")
    found = set()
    for _ in range(15):
        # Each time with memory of its own, which holds what the one before left there.
        converter, made = YuvConverter(480, 360), hashlib.sha256()
        with av.open(os.devnull, "w", format="nut") as output:
            stream = add_video(
                output, encoding.codec, encoding.options_for(1), size=(480, 360), rate=Fraction(25),
                time_base=Fraction(1, 25), threads=1, key_seconds=2,
            )  # fmt: skip
            for number, picture in enumerate(pictures):
                frame = converter(picture)
                frame.pts = number
                made.update(b"".join(bytes(packet) for packet in stream.encode(frame)))
            made.update(b"".join(bytes(packet) for packet in stream.encode(None)))
        found.add(made.hexdigest())
    assert len(found) == 1
