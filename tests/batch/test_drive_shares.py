"""Runs on shares of one input, into one destination, beside each other; and the run on all of it that ends them."""

from __future__ import annotations

import json
from contextlib import closing

import pytest

from liveseg.batch.drive import drive
from liveseg.batch.identity import settings_hash
from liveseg.batch.manifest import DestinationBusyError, Manifest
from liveseg.batch.places import Place
from liveseg.batch.records import Record
from liveseg.settings import BatchSettings
from liveseg.settings.shard import Shard

FILES = 40


class Here:
    """An executor without processes: it commits a file's name, logs and reports; `before` is called with each task."""

    workers = 1
    dashboard = None

    def __init__(self, settings, run, before=lambda _: None):
        self.settings, self.before = settings, before
        self.place = Place.at(settings.destination)
        self.log = Manifest(self.place).log(run, "worker-0")
        self.names = []

    def run(self, bundles):
        for bundle in bundles:
            for task in bundle:
                self.before(task)
                item = task.item
                bad = item.name.endswith("bad")
                if not bad:
                    self.place.commit_bytes(item.name.encode(), f"{item.name}.bin")
                record = Record(
                    identifier=item.identifier, location=item.location, name=item.name, kind=item.kind,
                    version=item.version, status="failed" if bad else "done", error="bad" if bad else None,
                    error_kind="unreadable" if bad else None, outputs=() if bad else (f"{item.name}.bin",), frames=1,
                    settings=settings_hash(self.settings), finished=1.0, seconds={"total": 0.1}, worker="worker-0",
                )  # fmt: skip
                self.log.append([record])
                self.names.append(item.name)
                yield record

    def stop(self):
        pass

    def close(self):
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    for number in range(FILES):
        path = folder / f"{number % 3}" / f"{number:03}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"jpeg")
    (folder / "bad.jpg").write_bytes(b"")
    return folder


@pytest.fixture
def run(photos, tmp_path):
    """`run(shard=…)`: the names that it did, and its report."""

    def start(shard=None, **options):
        made = []
        settings = BatchSettings(out=str(tmp_path / "out"), shard=shard)

        def make(own, name):
            made.append(Here(own, name, **options))
            return made[0]

        report = drive(settings, [str(photos)], executor=make)
        return made[0].names, report

    return start


def test_shares_do_each_file_once_and_leave_nothing_to_the_run_that_ends_them(run, tmp_path):
    done = [run(Shard(index, 3)) for index in range(3)]
    names = [name for own, _ in done for name in own]
    assert len(names) == len(set(names)) == FILES + 1
    assert all(8 < len(own) < 20 for own, _ in done)
    for own, report in done:
        assert report.files.done + report.files.failed == len(own), "a share tells of its own files"
        assert report.files.listed == len(own)
    state = tmp_path / "out" / "_liveseg"
    assert not (state / "report.json").exists(), "what is of all files is left to the run on all of them"
    assert list((state / "logs").rglob("*.jsonl"))
    left, whole = run()
    assert left == []
    assert (whole.files.done, whole.files.failed) == (FILES, 1)
    assert not list((state / "logs").rglob("*.jsonl"))
    assert json.loads((state / "report.json").read_text(encoding="utf-8"))["files"]["done"] == FILES
    assert len(list((tmp_path / "out").rglob("*.bin"))) == FILES


def test_a_share_that_was_cut_off_goes_on_where_it_was(run):
    class CutError(Exception):
        pass

    started = []

    def cut(task):
        started.append(task.item.name)
        if len(started) == 5:
            raise CutError

    with pytest.raises(CutError):
        run(Shard(1, 2), before=cut)
    first = started[:4]
    names, _ = run(Shard(1, 2))
    assert names
    assert not set(first) & set(names)
    others, _ = run(Shard(0, 2))
    assert len({*first, *names, *others}) == FILES + 1


def test_what_is_missing_is_done_by_the_run_that_ends_them(run):
    names, _ = run(Shard(0, 2))
    left, whole = run()
    assert len(names) + len(left) == FILES + 1
    assert whole.files.done == FILES


def test_shares_run_beside_each_other_and_not_beside_a_run_on_all_files(run):
    """From within a share that is at work: another share is done, a run on all files is refused."""
    beside = []

    def look(_task):
        if not beside:
            beside.append(run(Shard(1, 2))[0])
            with pytest.raises(DestinationBusyError):
                run()

    names, _ = run(Shard(0, 2), before=look)
    assert len(names) + len(beside[0]) == FILES + 1


def test_a_share_changes_nothing_of_what_is_made():
    assert settings_hash(BatchSettings(shard=Shard(2, 7))) == settings_hash(BatchSettings())


def test_the_log_of_a_share_is_kept(run, tmp_path):
    """A share takes no logs into tables: others may be writing theirs."""
    run(Shard(0, 2))
    with closing(Manifest(Place.at(tmp_path / "out")).index()) as index:
        assert sum(index.counts().values()) > 0
    assert not (tmp_path / "out" / "_liveseg" / "manifest").exists()
