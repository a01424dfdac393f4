"""`liveseg batch`, as people start it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from liveseg.settings import BatchSettings, about


@pytest.fixture(scope="module")
def photos(samples, tmp_path_factory):
    """Five small pictures, one of which is none."""
    folder = tmp_path_factory.mktemp("batch") / "photos"
    folder.mkdir()
    with Image.open(samples / "image_1.jpg") as image:
        whole = image.convert("RGB").resize((160, 120))
    for number in range(4):
        whole.crop((number, 0, 120 + number, 96)).save(folder / f"{number}.jpg")
    (folder / "bad.jpg").write_text("no picture", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def made(photos, run_liveseg, tmp_path_factory):
    """A destination, and what was said while it was made."""
    out = tmp_path_factory.mktemp("made") / "masks"
    command = ("batch", photos, "--out", out, "--save", "mask", "--size", "97", "--workers", "1")
    return out, command, run_liveseg(*command)


def test_a_folder_becomes_masks_and_a_report(made, photos, run_liveseg, tmp_path):
    out, _, done = made
    assert done.returncode == 1, "one file failed"
    assert {path.name for path in out.iterdir()} == {"_liveseg", *(f"{number}_lite_mask.png" for number in range(4))}
    # The same bytes as those of the command for few files.
    single = run_liveseg(
        "run", photos / "2.jpg", "--save", "mask", "--size", "97", "--threads", "1", "-o", tmp_path / "2.png"
    )
    assert single.returncode == 0, single.stderr
    assert (tmp_path / "2.png").read_bytes() == (out / "2_lite_mask.png").read_bytes()
    assert done.stderr.count("\n") == 1, "one line for the one that failed"
    assert "bad.jpg" in done.stderr
    lines = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert lines["files"].startswith("4 done, 1 failed (1 unreadable), in ")
    assert Path(lines["report"]).is_file()
    assert json.loads((out / "_liveseg" / "report.json").read_text(encoding="utf-8"))["files"]["done"] == 4


def test_the_same_command_again_has_nothing_to_do_and_says_so_as_events(made, run_liveseg):
    out, command, _ = made
    before = {path: path.stat().st_mtime_ns for path in out.glob("*.png")}
    done = run_liveseg(*command, "--json")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["event"] for event in events] == ["started", "done"]
    assert events[0]["workers"] == 1
    assert events[-1]["ended"] == "complete"
    assert (events[-1]["done_before"], events[-1]["failed_before"], events[-1]["done"]) == (4, 1, 0)
    assert events[-1]["report"]["files"]["done"] == 4
    assert done.returncode == 1, "a file of the input is not done still"
    assert {path: path.stat().st_mtime_ns for path in out.glob("*.png")} == before


def test_events_of_a_run_and_a_limit_of_failures(photos, run_liveseg, tmp_path):
    done = run_liveseg(
        "batch", photos, "-o", tmp_path, "--size", "97", "--save", "mask", "--json", "--max-failures", "0",
        "--workers", "1", "--bundle", "9",
    )  # fmt: skip
    assert done.returncode == 3
    events = [json.loads(line) for line in done.stdout.splitlines()]
    (failed,) = [event for event in events if event["event"] == "failed"]
    assert (failed["error_kind"], failed["tried_again_next_time"]) == ("unreadable", False)
    assert failed["location"].endswith("bad.jpg")
    items = [event for event in events if event["event"] == "item"]
    assert items
    assert all((tmp_path / event["outputs"][0]).is_file() for event in items)
    assert events[-1]["ended"] == "too_many_failures"
    assert done.stderr.count("\n") == 1
    assert "more than --max-failures 0 allows" in done.stderr


def test_changed_settings_are_refused_in_one_line(made, run_liveseg):
    _, command, _ = made
    done = run_liveseg(*command, "--tta", "flip")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "--tta was off and is flip" in done.stderr
    assert "--on-changed redo" in done.stderr


def test_the_help_names_every_option_and_the_other_commands(run_liveseg):
    told = " ".join(run_liveseg("batch", "-h").stdout.split())
    for own, _ in about(BatchSettings):
        option = ("--no-" if own.default is True else "--") + own.name.replace("_", "-")
        assert option in told, option
    assert "liveseg batch plan" in told
    assert "batch" in run_liveseg("--help").stdout


def test_wrong_usage_is_told_at_once(photos, run_liveseg, tmp_path):
    no_out = run_liveseg("batch", photos)
    assert no_out.returncode == 2
    assert "--out" in no_out.stderr
    none = run_liveseg("batch", tmp_path / "nothing", "--out", tmp_path / "out")
    assert none.returncode == 1
    assert "nothing" in none.stderr
    assert not (tmp_path / "out").exists()
    weights = run_liveseg("batch", photos, "--out", tmp_path / "out", "--weights", tmp_path / "none.onnx")
    assert weights.returncode == 1
    assert weights.stderr.count("\n") == 1
    assert "none.onnx" in weights.stderr


def test_without_the_extra_its_name_is_told():
    code = (
        "import sys; sys.modules['pyarrow'] = None; sys.argv = ['liveseg', 'batch', 'photos', '--out', 'x']\n"
        "from liveseg.__main__ import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "liveseg: a batch needs pyarrow: pip install 'liveseg[batch]'\n"


def test_the_command_line_starts_without_what_a_batch_needs():
    code = (
        "import sys; sys.argv = ['liveseg', '--help']\n"
        "from liveseg.cli.app import run_app\n"
        "run_app()\n"
        "print([m for m in ('ray', 'fsspec', 'pyarrow', 'pandas', 'sqlite3') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="sends signals as POSIX has them")
def test_ctrl_c_stops_and_the_same_command_goes_on(photos, run_liveseg, tmp_path):
    many, out = tmp_path / "many", tmp_path / "out"
    many.mkdir()
    for number in range(24):
        shutil.copy(photos / f"{number % 4}.jpg", many / f"{number:02}.jpg")
    options = ("--save", "mask", "--size", "513", "--workers", "1", "--bundle", "1")
    command = [sys.executable, "-m", "liveseg", "batch", str(many), "--out", str(out), *options]
    with subprocess.Popen(
        command, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        until = time.monotonic() + 60
        while not list(out.glob("*.png")):
            assert time.monotonic() < until
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    made = {path: path.stat().st_mtime_ns for path in out.glob("*.png")}
    assert said == f"liveseg: stopped after {_files(len(made))}; run the same command again to go on\n"
    assert len(made) < 24
    done = run_liveseg("batch", many, "--out", out, *options)
    assert done.returncode == 0, done.stderr
    assert len(list(out.glob("*.png"))) == 24
    assert {path: path.stat().st_mtime_ns for path in made} == made, "what was there was not made again"


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"
