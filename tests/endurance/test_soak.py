"""An hour of a live stream: nothing grows. Run by `make soak`; `LIVESEG_SOAK_SECONDS` makes it shorter."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import av
import pytest

SECONDS = float(os.environ.get("LIVESEG_SOAK_SECONDS", "3600"))
FRAME_MS = 40.0


@pytest.mark.soak
@pytest.mark.timeout(SECONDS + 600)
def test_an_hour_of_a_stream_grows_neither_memory_nor_threads_nor_age(start_rtsp, tmp_path):
    warm = min(300.0, SECONDS / 4)
    with start_rtsp(seconds=SECONDS + 600) as server:
        program = str(Path(__file__).with_name("live_line.py"))
        command = [sys.executable, program, server.url("clip"), str(tmp_path), str(SECONDS), str(warm)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=SECONDS + 300)
    print(done.stdout)
    seen = json.loads(done.stdout)

    assert seen["frames"] > 0
    assert seen["placeholders"] == 0, "the stream went away, though nobody cut it"
    memory, threads, age = seen["memory_mib"], seen["threads"], seen["age_ms"]
    assert memory["most"] <= 1.05 * memory["at_warm"]
    # A decoder that gives way to a new one, or one segment's encoder to the next, has its threads twice for a moment.
    assert threads["most"] <= 2 * threads["at_warm"]
    assert threads["after"] <= threads["before"]
    assert threads["left_over"] == []
    assert age["last_quarter"] <= age["first_quarter"] + FRAME_MS

    files = sorted(tmp_path.glob("soak_*.mp4"))
    assert not list(tmp_path.glob("*.partial*"))
    assert len(files) in {int(SECONDS // 60), int(SECONDS // 60) + 1}
    shown = 0
    for path in files:
        with av.open(str(path)) as container:
            shown += sum(1 for packet in container.demux(video=0) if packet.size)
        path.unlink()
    assert shown == seen["frames"]
