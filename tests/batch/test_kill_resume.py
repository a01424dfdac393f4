"""Killed at any moment, and started again until all is done: nothing lost, nothing twice, nothing half-written."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from liveseg.batch.manifest import Manifest
from liveseg.batch.places import Place

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at processes as Linux shows them")

FILES = 72

DRIVER = """
import sys
sys.path.insert(0, sys.argv[1])
import stand_in
from liveseg.batch.drive import drive
from liveseg.batch.failures import StoppedError
from liveseg.batch.pool import LocalPool
from liveseg.settings import BatchSettings

def make(settings, run):
    return LocalPool(settings, run, 2, make_replica=stand_in.StandIn)

if __name__ == "__main__":
    try:
        drive(BatchSettings(out=sys.argv[3]), [sys.argv[2]], executor=make)
    except StoppedError as error:
        print(error)
        sys.exit(error.exit_code)
"""


class Runs:
    """Runs of one batch, one after the other, each in a process of its own and with its own list of deeds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.photos, self.out, self.temporary = folder / "photos", folder / "out", folder / "tmp"
        self.photos.mkdir()
        self.temporary.mkdir()
        self.script = folder / "driver.py"
        self.script.write_text(DRIVER, encoding="utf-8")
        self.count = 0

    def start(self) -> subprocess.Popen:
        self.count += 1
        self.deeds_folder.mkdir()
        command = [sys.executable, str(self.script), str(Path(__file__).parent), str(self.photos), str(self.out)]
        environment = {**os.environ, "STAND_IN_DEEDS": str(self.deeds_folder), "TMPDIR": str(self.temporary)}
        return subprocess.Popen(command, env=environment, start_new_session=True, stdout=subprocess.PIPE, text=True)

    @property
    def deeds_folder(self) -> Path:
        return self.folder / f"deeds-{self.count}"

    @property
    def deeds(self) -> Counter[str]:
        """How often each file was begun by the last run."""
        return Counter(name for file in self.deeds_folder.iterdir() for name in file.read_text("utf-8").split())

    @property
    def made(self) -> dict[str, bytes]:
        return {
            path.relative_to(self.out).as_posix(): path.read_bytes()
            for path in self.out.rglob("*")
            if path.is_file() and "_liveseg" not in path.parts
        }

    @property
    def logged(self) -> set[str]:
        """What is written down as done."""
        return {record.name for record in Manifest(Place.at(self.out)).records(status="done")}


@pytest.fixture
def runs(tmp_path):
    return Runs(tmp_path)


def workers_of(process) -> list[int]:
    """The processes that a driver has started, but for the one that Python itself starts."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text("utf-8").split()
    return [int(pid) for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def alive(session: int) -> list[str]:
    """The processes of a session that are there and not dead."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, *rest = (folder / "stat").read_text("utf-8").rpartition(")")[2].split()
        except OSError:
            continue
        if int(rest[2]) == session and state != "Z":
            found.append((folder / "cmdline").read_bytes().decode().replace("\0", " "))
    return found


def wait_until(true, seconds=60.0):
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it did not come true"
        time.sleep(0.005)


def test_killed_at_random_moments_it_ends_as_if_undisturbed(runs, stand_in):
    draw = random.Random(7)  # noqa: S311 - moments, not secrets
    for number in range(FILES):
        (runs.photos / f"{number:04}.jpg").write_text("sleep 0.02", encoding="utf-8")
    expected = {f"{number:04}.bin": stand_in.made(f"{number:04}") for number in range(FILES)}
    logged: set[str] = set()
    begun: Counter[str] = Counter()
    # Before anything is made, in between, and in the midst of a run of which a worker was killed, too.
    for turn, share in enumerate((0.0, 0.3, 0.6)):
        process = runs.start()
        try:
            wait_until(lambda least=share: len(list(runs.out.glob("*.bin"))) > least * FILES)
            if turn == 1:
                os.kill(draw.choice(workers_of(process)), signal.SIGKILL)
                wait_until(lambda: len(list(runs.out.glob("*.bin"))) > 0.45 * FILES)
            time.sleep(draw.random() * 0.05)
        finally:
            process.kill()
            process.communicate()
        wait_until(lambda session=process.pid: not alive(session))
        deeds = runs.deeds
        begun += deeds
        assert not set(deeds) & logged, "what was written down as done was done again"
        assert logged <= runs.logged, "what was written down was lost"
        logged = runs.logged
        assert all(runs.made[f"{name}.bin"] == expected[f"{name}.bin"] for name in logged)
    process = runs.start()
    told, _ = process.communicate(timeout=120)
    assert process.returncode == 0, told
    assert not set(runs.deeds) & logged
    assert runs.made == expected, "nothing is missing, half-written or left over"
    assert runs.logged == {name.removesuffix(".bin") for name in expected}
    begun += runs.deeds
    # Each kill costs no more than what the workers were at, and the bundle that a dead worker had is begun again.
    assert sum(begun.values()) - FILES <= 4 * 2 * 2
    report = json.loads((runs.out / "_liveseg" / "report.json").read_text("utf-8"))
    assert (report["files"]["done"], report["files"]["failed"]) == (FILES, 0)
    wait_until(lambda: not list(runs.temporary.glob("liveseg-batch-*")))  # no worker leaves its temporary files


@pytest.mark.parametrize("number", [pytest.param(signal.SIGINT, marks=pytest.mark.long), signal.SIGTERM])
def test_a_signal_stops_in_good_order_and_the_same_command_goes_on(runs, stand_in, number):
    for each in range(30):
        (runs.photos / f"{each:04}.jpg").write_text("sleep 0.1", encoding="utf-8")
    process = runs.start()
    wait_until(lambda: len(list(runs.out.glob("*.bin"))) > 2)
    os.killpg(process.pid, number)  # as a terminal does it: to all processes
    told, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    done = len(runs.made)
    assert told == f"stopped after {done} files; run the same command again to go on\n"
    assert 2 < done < 30
    assert runs.logged == {name.removesuffix(".bin") for name in runs.made} == set(runs.deeds)
    assert max(runs.deeds.values()) == 1
    wait_until(lambda: not alive(process.pid))
    process = runs.start()
    assert process.wait(60) == 0
    process.stdout.close()
    assert sum(runs.deeds.values()) == 30 - done
    assert len(runs.made) == 30


def test_a_second_signal_ends_at_once(runs):
    for each in range(2):
        (runs.photos / f"{each:04}.jpg").write_text("hang", encoding="utf-8")
    process = runs.start()
    wait_until(lambda: len(list(runs.deeds_folder.iterdir())) >= 1)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert process.poll() is None, "it waits for what is under way"
    process.send_signal(signal.SIGINT)
    told, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert told == "ended at once after 0 files; run the same command again to go on\n"
    wait_until(lambda: not alive(process.pid))
    assert not list(runs.temporary.iterdir())
