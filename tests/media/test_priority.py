import os
import subprocess
import sys
import threading

import pytest

from liveseg.media.priority import ordinary_threads

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="real-time scheduling is looked after on Linux")

PROGRAM = """
import os, sys
from fractions import Fraction
from pathlib import Path
import numpy as np
from liveseg.media.frame import Frame, SourceInfo
from liveseg.media.video_sink import VideoSink

def policies():
    return sorted({os.sched_getscheduler(int(entry.name)) for entry in Path("/proc/self/task").iterdir()})

INFO = SourceInfo("clip", "video", 128, 64, Fraction(10), Fraction(1, 10))
with VideoSink(Path(sys.argv[1]), INFO, codec=sys.argv[2], threads=1) as sink:
    for number in range(4):
        sink.write(Frame(np.full((64, 128, 3), 60 * number, np.uint8), number, number, Fraction(1, 10)))
    print(policies())
print(policies())
"""


@pytest.mark.parametrize("codec", ["libx264", "libsvtav1", "libvpx-vp9"])
def test_no_encoder_leaves_a_thread_under_real_time_scheduling(tmp_path, codec):
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "out.mp4"), codec]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert ended.stdout.split("\n") == [str([os.SCHED_OTHER])] * 2 + [""]


def allowed():
    """Whether this user may put threads under real-time scheduling."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except PermissionError:
        return False
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    return True


def policies_of_a_thread_before_and_inside(before, inside):
    found = []

    def work():
        if before is not None:
            os.sched_setscheduler(0, before, os.sched_param(1))
        with ordinary_threads():
            if inside is not None:
                os.sched_setscheduler(0, inside, os.sched_param(1))
        found.append(os.sched_getscheduler(0))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return found[0]


def test_only_threads_that_were_ordinary_before_are_made_so_again():
    if not allowed():
        pytest.skip("this user may not put threads under real-time scheduling")
    assert policies_of_a_thread_before_and_inside(None, os.SCHED_FIFO) == os.SCHED_OTHER
    assert policies_of_a_thread_before_and_inside(os.SCHED_RR, None) == os.SCHED_RR
