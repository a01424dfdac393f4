"""A source that is cut again and again leaves nothing behind: no thread, no open file, no memory."""

from __future__ import annotations

import sys
import time

import psutil
import pytest

from liveseg.media.address import parse_address
from liveseg.media.live.open import open_live
from liveseg.media.live.options import LiveOptions

WARM, CUTS = 5, 25


@pytest.mark.long
@pytest.mark.parametrize(("server", "path"), [("rtsp_server", "clock"), ("http_server", "clock.mjpg")])
def test_after_many_cuts_there_are_no_more_threads_files_and_memory_than_after_a_few(server, path, request):
    server = request.getfixturevalue(server)
    process = psutil.Process()
    states = []
    options = LiveOptions(timeout=1, reconnect=60)
    with open_live(parse_address(server.url(path)), options=options) as source:
        good = 0
        for frame in source:
            good = 0 if frame.placeholder else good + 1
            if good < 10:
                continue
            good = 0
            files = process.num_fds() if sys.platform != "win32" else process.num_handles()
            states.append((process.num_threads(), files, process.memory_info().rss))
            if len(states) > CUTS:
                break
            server.cut()
            time.sleep(0.1)
            server.restore()
    few, many = states[WARM], states[-1]
    assert source.facts.reconnects == CUTS
    assert many[0] <= few[0]
    assert many[1] <= few[1]
    assert many[2] <= 1.05 * few[2]
