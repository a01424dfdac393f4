"""Clips with clocks of every kind."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

_VTEST = Path("/usr/share/doc/opencv-doc/examples/data/vtest.avi")


def _vtest():
    if not _VTEST.is_file():
        reason = "needs vtest.avi: apt-get install opencv-doc"
        if os.environ.get("LIVESEG_REQUIRE_ALL") == "1":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    return _VTEST


def _uneven(path):
    """A clip whose frames last 1 to 9 units of 1/600 s, the first one starting at 1 s."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"preset": "ultrafast", "bf": "2"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 600)
        pts = 600
        for number in range(30):
            image = np.full((48, 64, 3), number * 8, np.uint8)
            image[:, number : number + 9] = (250, 40, 90)
            frame = av.VideoFrame.from_ndarray(image, "rgb24")
            frame.pts, frame.time_base = pts, Fraction(1, 600)
            container.mux(stream.encode(frame))
            pts += 1 + number * number % 9
        container.mux(stream.encode(None))
    return path


@pytest.fixture(params=["vtest.avi", "30000/1001", "uneven.mp4", "uneven.mkv"])
def clip(request, samples, tmp_path):
    """Clips with a constant rate, with NTSC's, and with a variable one in two containers."""
    if request.param == "vtest.avi":
        return _vtest()
    if request.param == "30000/1001":
        return samples / "video_2.mp4"
    return _uneven(tmp_path / request.param)
