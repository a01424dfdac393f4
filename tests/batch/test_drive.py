"""The driver: what it does, what it leaves, and what it does when it comes again."""

from __future__ import annotations

import json
import os
import threading
import time
from collections import Counter

import pytest

from liveseg.batch.drive import drive, on_signals
from liveseg.batch.failures import TooManyFailuresError
from liveseg.batch.manifest import ChangedSettingsError, DestinationBusyError, Manifest
from liveseg.batch.places import Place, StorageError
from liveseg.batch.places.local import LocalPlace
from liveseg.batch.pool import LocalPool
from liveseg.batch.progress import Silent
from liveseg.batch.records import Piece
from liveseg.batch.report import remake
from liveseg.errors import SourceNotFoundError, UsageError
from liveseg.settings import BatchSettings
from liveseg.settings.batch import parse_failures


class Ears(Silent):
    """A listener that keeps what it hears."""

    def __init__(self):
        self.heard = []

    def notice(self, line):
        self.heard.append(("notice", line))

    def started(self, facts, workers):
        self.heard.append(("started", facts.run))

    def joined(self, dashboard):
        self.heard.append(("joined", dashboard))

    def told(self, record):
        self.heard.append((record.status, record.name))

    def progress(self, counts, speed):
        self.heard.append(("progress", counts.finished))

    def done(self, counts, report, ended):
        self.heard.append((ended, counts))

    @property
    def counts(self):
        return self.heard[-1][1]


@pytest.fixture
def batch(tmp_path, stand_in):
    """`batch(…)`: a run without processes; what it did is in `.tasks`, what was heard in `.ears`."""

    class Batch:
        photos, out = tmp_path / "photos", tmp_path / "out"

        def files(self, count, suffix=".jpg"):
            self.photos.mkdir(exist_ok=True)
            for number in range(count):
                (self.photos / f"{number:04}{suffix}").write_text("write", encoding="utf-8")

        def __call__(self, inputs=None, fail=None, before=lambda _: None, **settings):
            self.ears = Ears()
            made = []

            def make(own, run):
                made.append(stand_in.Inline(own, run, fail, before))
                return made[0]

            chosen = BatchSettings(out=str(self.out), **settings)
            try:
                return drive(chosen, inputs or [str(self.photos)], listener=self.ears, executor=make)
            finally:
                self.tasks = made[0].tasks if made else []
                self.names = [task.item.name for task in self.tasks]

    return Batch()


def test_a_run_and_the_same_run_again(batch, stand_in):
    """With real processes: all is made, the bad one is told, and nothing is left for a second run but to say so."""
    batch.files(9)
    (batch.photos / "bad.jpg").write_text("bad", encoding="utf-8")
    settings = BatchSettings(out=str(batch.out))
    pools = []

    def make(own, run):
        pools.append(LocalPool(own, run, 2, make_replica=stand_in.StandIn))
        return pools[-1]

    ears = Ears()
    report = drive(settings, [str(batch.photos)], listener=ears, executor=make)
    assert (report.files.done, report.files.failed) == (9, 1)
    assert {path.stem: path.read_bytes() for path in batch.out.glob("*.bin")} == {
        f"{number:04}": stand_in.made(f"{number:04}") for number in range(9)
    }
    assert ears.heard[0][0] == "started"
    assert Counter(what for what, _ in ears.heard if what in {"done", "failed"}) == {"done": 9, "failed": 1}
    assert ears.heard[-1][0] == "complete"
    assert (ears.counts.listed, ears.counts.complete, ears.counts.done) == (10, True, 9)
    state = batch.out / "_liveseg"
    assert json.loads((state / "report.json").read_text(encoding="utf-8"))["files"]["failed"] == 1
    assert "bad.jpg" in (state / "failures.csv").read_text(encoding="utf-8")
    assert not list((state / "logs").rglob("*.jsonl")), "the logs have become tables"
    again = Ears()
    drive(settings, [str(batch.photos)], listener=again, executor=make)
    assert pools[1]._started == 0, "no process is started for nothing"
    assert (again.counts.before, again.counts.left, again.counts.done) == (9, 1, 0)


def test_what_may_pass_is_tried_again_and_what_does_not_only_when_asked(batch):
    batch.files(7)
    kinds = ("unreadable", "defect", "missing", "storage", "memory", "timeout", "lost")
    fail = {f"{number:04}": kind for number, kind in enumerate(kinds)}
    report = batch(fail=fail)
    assert {failure.kind: failure.count for failure in report.failures} == dict.fromkeys(kinds, 1)
    batch(fail=fail)
    assert [fail[name] for name in batch.names] == list(kinds[2:])
    assert batch.ears.counts.left == 2
    report = batch(redo="failed")
    assert sorted(batch.names) == sorted(fail)
    assert report.files.failed == 0
    assert batch.ears.counts.left == 0


@pytest.mark.parametrize(("limit", "expected"), [("2", 3), ("0", 1), ("50%", 6)])
def test_too_many_failures_end_the_run_in_good_order(batch, limit, expected):
    batch.files(6)
    with pytest.raises(TooManyFailuresError, match=f"{expected} of {expected} files failed .*{limit} allows") as raised:
        batch(fail={f"{number:04}": "unreadable" for number in range(6)}, max_failures=parse_failures(limit), bundle=1)
    assert raised.value.exit_code == 3
    assert batch.ears.heard[-1][0] == "too_many_failures"
    assert (batch.out / "_liveseg" / "report.html").is_file()
    assert len(batch.names) == expected
    batch(max_failures=parse_failures(limit))
    assert len(batch.names) == 6 - expected, "the rest is done, those that failed are not tried again"


def test_a_limit_that_is_not_passed_changes_nothing(batch):
    batch.files(4)
    batch(fail={"0000": "unreadable", "0001": "unreadable"}, max_failures=parse_failures("50%"))
    assert batch.ears.heard[-1][0] == "complete"


def test_changed_settings_are_noticed(batch):
    batch.files(3)
    batch()
    with pytest.raises(ChangedSettingsError, match=r"--alpha was 0\.6 and is 0\.5; .*--on-changed redo"):
        batch(alpha=0.5)
    batch(attempts=7, timeout_each=9.0)
    assert batch.names == [], "what does not decide the outputs may change"
    batch(alpha=0.5, on_changed="redo")
    assert batch.names == ["0000", "0001", "0002"]
    batch(alpha=0.5)
    assert batch.names == []


def test_which_files_are_done_again(batch):
    batch.files(3)
    batch()
    (batch.photos / "0001.jpg").write_text("write and more", encoding="utf-8")
    batch(redo="none")
    assert batch.names == []
    assert batch.ears.counts.before == 3
    batch()
    assert batch.names == ["0001"]
    batch(redo="all")
    assert batch.names == ["0000", "0001", "0002"]


def test_a_destination_that_is_written_to_is_refused_by_name(batch):
    batch.files(2)
    refused = []

    def start_another(_task):
        if not refused:
            with pytest.raises(DestinationBusyError) as raised:
                drive(BatchSettings(out=str(batch.out)), [str(batch.photos)])
            refused.append(str(raised.value))

    batch(before=start_another)
    run = next(what for kind, what in batch.ears.heard if kind == "started")
    assert str(batch.out) in refused[0]
    assert run in refused[0]
    assert batch.ears.counts.done == 2


def test_an_input_that_is_none_is_told_before_anything_is_written(batch):
    with pytest.raises(SourceNotFoundError):
        batch([str(batch.photos / "none.csv")])
    assert not batch.out.exists()


def test_what_killed_processes_left_unfinished_is_removed_and_a_store_that_refuses_that_ends_nothing(
    batch, monkeypatch
):
    """By a run in which nothing goes wrong, too; what another program began meanwhile is left alone."""
    batch.files(1)
    left, fresh = (batch.out / "below" / f".{name}.partial.png" for name in ("left", "fresh"))
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    os.utime(left, (1e9, 1e9))
    batch(before=lambda _task: fresh.write_bytes(b"half"))
    assert (left.exists(), fresh.exists()) == (False, True)

    def refused(*_, **__):
        raise StorageError("uploads cannot be listed")

    monkeypatch.setattr(LocalPlace, "clear_unfinished", refused)
    report = batch(redo="all")
    assert report.files.done == 1
    assert any(what == "notice" and "uploads cannot be listed" in line for what, line in batch.ears.heard)


def test_a_listing_that_breaks_off_is_told_after_what_it_gave(batch, monkeypatch):
    batch.files(3)
    from liveseg.batch import listing

    whole = listing.items

    def broken(*given, **options):
        yield from whole(*given, **options)
        raise UsageError("the rest cannot be listed")

    monkeypatch.setattr(listing, "items", broken)
    with pytest.raises(UsageError, match="the rest cannot be listed"):
        batch()
    monkeypatch.setattr(listing, "items", whole)
    done = {record.name for record in Manifest(Place.at(batch.out)).records()}
    batch()
    assert {*batch.names, *done} == {"0000", "0001", "0002"}
    assert not done & set(batch.names)


@pytest.fixture
def long_videos(monkeypatch):
    """Every video has three pieces."""
    pieces = [Piece(0, 3, 0.0, 1.0), Piece(1, 3, 1.0, 2.0), Piece(2, 3, 2.0, None)]
    monkeypatch.setattr("liveseg.batch.headers.Headers.pieces", lambda headers, item: pieces)


def work(tasks):
    return [
        (task.item.name, f"piece {task.piece.index}" if task.piece else "join" if task.join else "whole")
        for task in tasks
    ]


@pytest.mark.usefixtures("long_videos")
def test_long_videos_go_in_pieces_and_are_joined_once_all_are_there(batch):
    batch.files(3, ".mp4")
    state = batch.out / "_liveseg" / "pieces"

    def leave_parts(task):
        if task.piece:
            folder = state / task.item.identifier
            folder.mkdir(parents=True, exist_ok=True)
            (folder / str(task.piece.index)).touch()

    report = batch(before=leave_parts)
    done = work(batch.tasks)
    assert len(done) == len(set(done)) == 12
    names = {name for name, _ in done}
    assert len(names) == 3
    for name in names:
        own = [what for which, what in done if which == name]
        assert own == ["piece 0", "piece 1", "piece 2", "join"]
    assert (batch.ears.counts.done, batch.ears.counts.pieces) == (3, 9)
    assert not any(state.iterdir()), "the parts of what was joined are gone"
    assert (report.durations["piece"].count, report.durations["join"].count) == (9, 3)
    assert report.times.stage_seconds == pytest.approx(12 * 0.01)
    assert (report.files.done, report.files.pieces, report.frames) == (3, 9, 9), "a frame a piece, counted once"
    again = remake(Place.at(batch.out))
    assert (again.durations, again.stages, again.files.pieces) == (report.durations, report.stages, 9)
    batch()
    assert batch.tasks == []


@pytest.mark.usefixtures("long_videos")
def test_a_video_cut_off_goes_on_with_the_pieces_that_are_missing(batch):
    batch.files(1, ".mp4")

    class CutError(Exception):
        pass

    def cut(task):
        if task.piece is not None and task.piece.index == 2:
            raise CutError

    with pytest.raises(CutError):
        batch(before=cut)
    batch()
    assert [what for _, what in work(batch.tasks)] == ["piece 2", "join"]


@pytest.mark.usefixtures("long_videos")
def test_the_joining_alone_is_left(batch):
    batch.files(1, ".mp4")

    def cut_join(task):
        if task.join:
            raise KeyError

    with pytest.raises(KeyError):
        batch(before=cut_join)
    batch()
    assert [what for _, what in work(batch.tasks)] == ["join"]


@pytest.mark.usefixtures("long_videos")
def test_a_video_of_which_pieces_fail_is_one_file_that_failed(batch):
    batch.files(2, ".mp4")
    batch(fail={("0000_mp4", 0): "unreadable", ("0000_mp4", 2): "unreadable"})
    assert batch.ears.counts.failed == {"unreadable": 1}
    assert batch.ears.counts.done == 1
    batch()
    assert batch.tasks == []
    assert batch.ears.counts.left == 1
    batch(redo="failed")
    assert [what for _, what in work(batch.tasks)] == ["piece 0", "piece 2", "join"]


@pytest.mark.usefixtures("long_videos")
def test_the_list_of_failures_is_an_input_that_leads_to_the_same_files(batch):
    """One of whose pieces several failed, and one whose name had to be written otherwise, among them."""
    batch.files(2, ".mp4")
    odd = batch.photos / "50%41.jpg"
    odd.write_text("write", encoding="utf-8")
    fail = {("0000_mp4", 0): "unreadable", ("0000_mp4", 2): "unreadable", "50%2541": "unreadable"}
    batch(fail=fail)
    failures = str(batch.out / "_liveseg" / "failures.csv")
    batch([failures])
    assert (batch.tasks, batch.ears.counts.left) == ([], 2), "which would end the same way"
    batch([failures], redo="failed")
    assert sorted(work(batch.tasks)) == [
        ("0000_mp4", "join"), ("0000_mp4", "piece 0"), ("0000_mp4", "piece 2"), ("50%2541", "whole"),
    ]  # fmt: skip
    batch()
    assert batch.tasks == [], "nothing is left of the whole input"
    assert {record.status for record in Manifest(Place.at(batch.out)).records()} == {"done"}


def test_progress_is_told_while_nothing_is_finished(batch, monkeypatch):
    monkeypatch.setattr("liveseg.batch.drive._PROGRESS_SECONDS", 0.01)
    batch.files(1)
    seen = threading.Event()

    class Waiting(Ears):
        def progress(self, counts, speed):
            super().progress(counts, speed)
            if counts.complete:
                seen.set()

    monkeypatch.setitem(globals(), "Ears", Waiting)
    batch(before=lambda _task: seen.wait(20))
    assert ("progress", 0) in batch.ears.heard


@pytest.mark.skipif(os.name == "nt", reason="sends signals as POSIX has them")
def test_the_first_signal_stops_and_the_second_ends():
    import signal

    before = signal.getsignal(signal.SIGTERM)
    told = []

    def send_two():
        with on_signals(lambda: told.append(1)):
            os.kill(os.getpid(), signal.SIGTERM)
            assert told == [1]
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(KeyboardInterrupt):
        send_two()
    assert told == [1]
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_clusters_dashboard_is_told_once(batch, monkeypatch, stand_in):
    monkeypatch.setattr("liveseg.batch.drive._PROGRESS_SECONDS", 0.01)
    monkeypatch.setattr(stand_in.Inline, "dashboard", "http://127.0.0.1:8265")
    batch.files(3)
    batch(before=lambda _task: time.sleep(0.03))
    assert [line for what, line in batch.ears.heard if what == "joined"] == ["http://127.0.0.1:8265"]
    monkeypatch.setattr("liveseg.batch.drive._PROGRESS_SECONDS", 60.0)
    batch(redo="all")
    assert [line for what, line in batch.ears.heard if what == "joined"] == ["http://127.0.0.1:8265"]


def test_a_run_removes_the_temporary_folders_of_those_that_were_killed(batch, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    left = tmp_path / "liveseg-batch-0123456789abcdef"
    left.mkdir()
    left.with_name(f"{left.name}.used").touch()
    batch.files(1)
    batch()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "photos"]
