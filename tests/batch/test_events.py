"""The events of `--json`: each has the fields that docs/batch-events.md says, and those only."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from liveseg.batch.drive import drive
from liveseg.batch.pool import LocalPool
from liveseg.batch.records import Piece
from liveseg.cli.batch_progress import Events, Told
from liveseg.settings import BatchSettings

PAGE = Path(__file__).parents[2] / "docs" / "batch-events.md"


def rows(heading):
    """The cells of the table below a heading row."""
    text = PAGE.read_text(encoding="utf-8")
    table = text.split(f"| {heading} |", 1)[1].split("\n\n", 1)[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


def coded(text):
    # What stands in brackets are values, not fields.
    return set(re.findall(r"`(\w+)`", re.sub(r"\(.*?\)", "", text)))


@pytest.fixture(scope="module")
def documented():
    """The fields of each event; a field of some only is among them."""
    counts = set().union(*(coded(name) for name, _ in rows("count | of")))
    found = {}
    for name, _, text in rows("event | when | fields"):
        (event,) = coded(name)
        found[event] = coded(text.partition("as in [")[0]) - {"null"}
        found[event] |= counts if "the counts" in text else set()
    # As the page says it: as `item`, and more.
    found["piece"] = found["piece"] - {"item"} | found["item"]
    return found


class Shown(LocalPool):
    """A pool that has a page to look at, as a cluster may."""

    dashboard = "http://127.0.0.1:8265"


def test_every_event_is_as_it_is_documented(documented, stand_in, tmp_path, monkeypatch, capsys):
    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    for name, word in {"a.jpg": "write", "bad.jpg": "bad", "b.mp4": "sleep 0.2", "c.mp4": "bad"}.items():
        (photos / name).write_text(word, encoding="utf-8")
    damaged = out / "_liveseg" / "logs" / "run" / "worker-1" / "000000.jsonl"
    damaged.parent.mkdir(parents=True)
    damaged.write_text("no record\n", encoding="utf-8")
    pieces = [Piece(0, 2, 0.0, 1.0), Piece(1, 2, 1.0, None)]
    monkeypatch.setattr("liveseg.batch.headers.Headers.pieces", lambda headers, item: pieces)
    monkeypatch.setattr("liveseg.batch.drive._PROGRESS_SECONDS", 0.05)
    settings = BatchSettings(out=str(out), json=True)

    def make(own, run):
        return Shown(own, run, 1, make_replica=stand_in.StandIn)

    drive(settings, [str(photos)], listener=Events(settings), executor=make)
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    printed = {}
    for event in events:
        printed.setdefault(event.pop("event"), set()).update(event)
    assert printed == documented
    assert events[-1]["failures"] == {"unreadable": 2}


def test_a_run_that_is_stopped_says_so(stand_in, tmp_path, capsys):
    from liveseg.batch.failures import StoppedError

    (tmp_path / "photos").mkdir()
    for number in range(3):
        (tmp_path / "photos" / f"{number}.jpg").write_text("write", encoding="utf-8")
    settings = BatchSettings(out=str(tmp_path / "out"), json=True)

    def stop(_task):
        raise KeyboardInterrupt

    with pytest.raises(StoppedError):
        drive(
            settings, [str(tmp_path / "photos")], listener=Events(settings),
            executor=lambda own, run: stand_in.Inline(own, run, before=stop),
        )  # fmt: skip
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (last["event"], last["ended"], last["report"]) == ("done", "stopped", None)


def test_people_are_told_of_the_dashboard_in_a_line(capsys):
    Told(BatchSettings(out="out")).joined("http://10.0.0.1:8265")
    assert capsys.readouterr().err == "Ray's dashboard: http://10.0.0.1:8265\n"
    Told(BatchSettings(out="out", quiet=True)).joined("http://10.0.0.1:8265")
    assert capsys.readouterr().err == ""
