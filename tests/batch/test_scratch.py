"""Temporary folders: gone at the end of their process, however it ends, and never while it is at work."""

from __future__ import annotations

import subprocess
import sys

from liveseg.batch.scratch import Scratch, clear_abandoned


def child(folder, ending):
    """A process with a temporary folder that has a file in it, and ends so when it is told to."""
    code = (
        "import os, sys; from pathlib import Path; from liveseg.batch.scratch import Scratch\n"
        f"own = Scratch('tables', Path({str(folder)!r}))\n"
        "(own.path / 'file').write_text('something')\n"
        "print(own.path.name, flush=True)\n"
        f"sys.stdin.read(); {ending}"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    return process, folder / process.stdout.readline().strip()


def test_what_a_killed_process_left_is_removed_and_what_is_at_work_stays(tmp_path):
    others = ["liveseg-run-0123456789abcdef.lock", "liveseg-tables-mine"]  # the first tells how a run ended
    (tmp_path / others[0]).touch()
    (tmp_path / others[1]).mkdir()
    killed, left = child(tmp_path, "")
    working, busy = child(tmp_path, "")
    with killed, working:
        assert clear_abandoned(tmp_path) == 0
        assert (left / "file").exists()
        killed.kill()
        killed.wait()
        assert left.exists()
        with Scratch("index", tmp_path) as own:
            assert clear_abandoned(tmp_path) == 1
            assert own.exists()
        assert not left.exists()
        assert (busy / "file").exists()
        working.communicate(timeout=20)
    assert working.returncode == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == others


def test_a_process_that_fails_leaves_nothing(tmp_path):
    process, folder = child(tmp_path, "raise SystemExit(3)")
    with process:
        assert folder.exists()
        process.communicate(timeout=20)
    assert process.returncode == 3
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_removed_once(tmp_path):
    scratch = Scratch("report", tmp_path)
    assert list(scratch.path.iterdir()) == []
    scratch.cleanup()
    scratch.path.mkdir()
    scratch.cleanup()
    assert scratch.path.exists(), "which is another's by now"
