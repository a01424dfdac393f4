"""A batch's report: its numbers are those of the records, its memory is constant, and file names do nothing to it."""

from __future__ import annotations

import csv
import dataclasses
import importlib.util
import json
import math
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liveseg.batch.places import Place
from liveseg.batch.quantiles import RELATIVE_ERROR, Quantiles
from liveseg.batch.records import Identifier, Record
from liveseg.batch.report import FAILURE_COLUMNS, ReportFacts, report_of, write_report
from liveseg.batch.report_data import FORMAT, VERSION, BatchReport
from liveseg.batch.report_page import page
from liveseg.batch.report_words import heading, remarks, tables
from liveseg.batch.statistics import Statistics, what_of
from liveseg.batch.timeline import Timeline


@pytest.fixture(scope="module")
def batch_records():
    """The module beside this one, which is no package."""
    spec = importlib.util.spec_from_file_location("batch_records", Path(__file__).with_name("batch_records.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FACTS = ReportFacts(model="lite", settings={"save": "mask"}, listed=7)

STAGES = ("fetch", "decode", "network", "commit", "unheard-of")
NAMES = st.text(st.characters(), min_size=1, max_size=12)


@st.composite
def records(draw):
    """A record as a worker may write one, with whatever names."""
    kind = draw(st.sampled_from(("image", "video")))
    pieces = draw(st.none() | st.integers(2, 5)) if kind == "video" else None
    piece = draw(st.none() | st.integers(0, pieces - 1)) if pieces else None
    status = draw(st.sampled_from(("failed", "done" if piece is None else "part")))
    seconds = draw(st.dictionaries(st.sampled_from(STAGES), st.floats(0, 1e4), max_size=4))
    if draw(st.booleans()):
        seconds["total"] = draw(st.floats(0, 1e4))
    return Record(
        identifier=Identifier(f"{draw(st.integers(0, 1 << 64)):032x}"),
        location=draw(NAMES),
        name=draw(NAMES),
        kind=kind,
        piece=piece,
        pieces=pieces,
        status=status,
        attempts=draw(st.integers(1, 3)),
        error=draw(NAMES) if status == "failed" else None,
        error_kind=draw(st.sampled_from(("unreadable", "missing", None))) if status == "failed" else None,
        bytes_in=draw(st.integers(0, 1 << 40)),
        bytes_out=draw(st.integers(0, 1 << 40)),
        frames=draw(st.integers(0, 1000)),
        pixels=draw(st.integers(0, 1 << 30)),
        seconds=seconds,
        areas=draw(st.dictionaries(st.sampled_from(("background", "cat", "<b>")), st.integers(0, 1 << 20))),
        worker=draw(st.sampled_from(("a", "b", ""))),
        finished=draw(st.just(0.0) | st.floats(1e9, 1e9 + 1e6)),
    )


def report_on(found, **options):
    statistics = Statistics(**options)
    statistics.take(found)
    return report_of(statistics, FACTS, "folder")


def total_of(record):
    return max(
        record.seconds.get("total", 0.0), sum(spent for name, spent in record.seconds.items() if name != "total")
    )


@settings(max_examples=30)
@given(st.lists(records(), max_size=30))
def test_sums_are_those_of_a_plain_computation(found):
    report = report_on(found)
    whole = [each for each in found if each.piece is None]
    done = [each for each in whole if each.status == "done"]
    assert report.files.done == len(done)
    assert report.files.failed == len(whole) - len(done)
    assert report.files.images + report.files.videos == len(done)
    assert report.files.pieces == sum(each.status == "part" for each in found)
    assert report.frames == sum(each.frames for each in found)
    assert report.pixels == sum(each.pixels for each in found)
    assert (report.bytes_in, report.bytes_out) == (sum(e.bytes_in for e in found), sum(e.bytes_out for e in found))
    assert report.times.stage_seconds == pytest.approx(sum(map(total_of, found)))
    assert sum(stage.seconds for stage in report.stages) == pytest.approx(report.times.stage_seconds, abs=1e-4)
    for stage in report.stages:
        if stage.name != "other":
            assert stage.seconds == pytest.approx(sum(each.seconds.get(stage.name, 0.0) for each in found))
    areas, holders = Counter(), Counter()
    for each in done:
        areas.update(each.areas)
        holders.update(name for name, pixels in each.areas.items() if pixels)
    assert {own.name: own.pixels for own in report.classes} == {name: n for name, n in areas.items() if n}
    assert {own.name: own.images + own.videos for own in report.classes} == dict(holders)
    assert sum(own.share for own in report.classes) == pytest.approx(1 if report.classes else 0)
    assert sum(kind.count for kind in report.failures) == sum(each.status == "failed" for each in found)
    assert sum(own.tasks for own in report.workers) == len(found)
    timed = [each for each in found if each.finished]
    assert report.times.untimed == len(found) - len(timed)
    assert sum(each.files for each in report.timeline) == sum(each.piece is None for each in timed)
    assert sum(each.stage_seconds for each in report.timeline) == pytest.approx(
        sum(map(total_of, timed)), rel=1e-6, abs=1e-4
    )


@settings(max_examples=30)
@given(st.lists(records(), max_size=30))
def test_the_slowest_are_the_slowest_and_percentiles_within_their_error(found):
    report = report_on(found)
    for kind, told in (("image", report.slowest_images), ("video", report.slowest_videos)):
        own = sorted((total_of(e) for e in found if e.kind == kind and e.status != "failed"), reverse=True)
        assert [each.seconds for each in told] == own[:20]
    for kind, spread in report.durations.items():
        own = [total_of(each) for each in found if what_of(each) == kind and each.status != "failed"]
        assert spread.count == len(own)
        assert spread.most == max(own)
        for share in (50, 90, 95, 99):
            true = np.percentile(own, share, method="lower")
            assert getattr(spread, f"p{share}") == pytest.approx(true, rel=RELATIVE_ERROR * 1.001, abs=1.1e-6)


@given(st.lists(st.floats(0, 1e10), min_size=1, max_size=200), st.floats(0, 1))
def test_a_quantile_is_within_one_per_cent(values, share):
    sketch = Quantiles()
    for value in values:
        sketch.add(value)
    true = sorted(values)[math.floor(share * (len(values) - 1))]
    if true <= 1e9:
        assert sketch.at(share) == pytest.approx(true, rel=RELATIVE_ERROR * 1.001, abs=1e-6)
    assert min(values) <= sketch.at(share) <= max(values)


def test_joined_videos_count_once_with_their_pieces_and_without():
    part = Record(
        identifier=Identifier("0" * 32), location="v.mp4", name="v", kind="video", piece=0, pieces=2, status="part",
        frames=50, pixels=500, seconds={"network": 2.0}, areas={"cat": 100, "background": 400}, worker="a",
        finished=1e9,
    )  # fmt: skip
    other = dataclasses.replace(part, piece=1, worker="b")
    joined = dataclasses.replace(
        part, piece=None, status="done", frames=100, pixels=1000, areas={"cat": 200, "background": 800},
        seconds={"encode": 1.0},
    )  # fmt: skip
    for report, seconds in ((report_on([joined]), 1.0), (report_on([joined, part, other], with_pieces=True), 5.0)):
        assert (report.frames, report.pixels, report.files.done, report.files.videos) == (100, 1000, 1, 1)
        assert {own.name: (own.pixels, own.videos) for own in report.classes} == {
            "background": (800, 1),
            "cat": (200, 1),
        }
        assert report.times.stage_seconds == seconds
        assert report.files.joined == 1
    unfinished = report_on([part])
    assert (unfinished.files.done, unfinished.frames, unfinished.classes) == (0, 50, ())


def test_time_at_work_leaves_out_pauses():
    timeline = Timeline()
    for start in (1e9, 1e9 + 86_400):
        for number in range(100):
            timeline.add(start + number + 1, 1.0)
    assert timeline.active_seconds == pytest.approx(200, rel=0.01)
    assert timeline.active_between([(1e9, 1e9 + 86_400 + 100)])[0] == pytest.approx(200, rel=0.01)
    length, columns = timeline.columns(50)
    assert len(columns) <= 50
    assert length * len(columns) == pytest.approx(200, rel=0.1)


@given(st.lists(st.tuples(st.floats(1e9, 1e9 + 1e7), st.floats(0, 1e5)), min_size=1, max_size=30))
def test_a_timeline_keeps_its_sums_in_few_bins(spans):
    timeline = Timeline(most_bins=64)
    for finished, busy in spans:
        timeline.add(finished, busy)
    _, columns = timeline.columns(20)
    assert len(columns) <= 20
    assert len(timeline._bins) <= 64
    assert sum(own.files for _, own in columns) == len(spans)
    assert sum(own.busy for _, own in columns) == pytest.approx(sum(busy for _, busy in spans), rel=1e-6, abs=1e-4)
    union, reached = 0.0, -math.inf
    for begin, end in sorted((finished - busy, finished) for finished, busy in spans):
        union += max(end - max(begin, reached), 0.0)
        reached = max(reached, end)
    assert timeline.active_seconds >= min(union, timeline.ended - timeline.began) * (1 - 1e-6) - 1e-4
    assert timeline.active_seconds <= union + 2 * timeline.seconds * len(spans)


HOSTILE = (
    "<script>alert(1)</script>", "a\"b'c&d", "x\x1b[2Jy", "\u202egpj.exe", "\udcff\udcfe", "=cmd()", "new\nline,comma",
)  # fmt: skip


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.scripts, self.text, self.open, self.addresses = 0, [], [], []
        self.feed(text)
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.scripts += tag == "script"
        self.addresses += [value for name, value in attrs if name in ("src", "href")]
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.addresses += [value for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def hostile_records():
    for number, name in enumerate(HOSTILE):
        about = {
            "identifier": Identifier(f"{number:032x}"), "location": name, "name": name, "kind": "image",
            "worker": name, "model": name, "settings": name, "seconds": {name: 0.5}, "finished": 1e9 + number,
        }  # fmt: skip
        yield Record(status="done", frames=1, pixels=4, areas={name: 4}, **about)
        yield Record(status="failed", error=name, error_kind=name, **(about | {"name": f"{name}2"}))


def test_hostile_names_are_text_and_stay_what_they_are(tmp_path):
    facts = ReportFacts(
        settings={HOSTILE[0]: HOSTILE[2]}, about={HOSTILE[1]: HOSTILE[4]}, palette={HOSTILE[0]: (1, 2, 3)}
    )
    report = write_report(Place.at(tmp_path), facts, hostile_records())
    text = (tmp_path / "_liveseg" / "report.html").read_text(encoding="utf-8")
    read = Tags(text)
    assert read.scripts == 1, "only the page's own"
    assert all(address.startswith("#") for address in read.addresses)
    assert any("<script>alert(1)</script>" in part for part in read.text)
    for forbidden in "\x1b\u202e":
        assert forbidden not in text
    with (tmp_path / "_liveseg" / "failures.csv").open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["location"] for row in rows] == list(HOSTILE)
    told = json.loads((tmp_path / "_liveseg" / "report.json").read_bytes())
    assert [each["examples"][0]["location"] for each in told["failures"]] == sorted(HOSTILE)
    printed = "\n".join([heading(report), *(table.markdown() for table in tables(report)), *remarks(report)])
    assert "\x1b" not in printed
    assert "\u202e" not in printed


@settings(max_examples=25)
@given(st.lists(records(), max_size=12))
def test_every_report_is_a_page_and_json(found):
    report = report_on(found)
    Tags(page(report, {}))
    text = json.dumps(report.to_json(), allow_nan=False)
    assert json.loads(text)["files"]["done"] == report.files.done
    page(report, {}).encode("utf-8")


def test_memory_does_not_grow_with_the_number_of_records(batch_records, tmp_path):
    process, seen = psutil.Process(), []

    def watched(found):
        for number, record in enumerate(found):
            if number % 2_000 == 0:
                seen.append(process.memory_info().rss)
            yield record

    write_report(Place.at(tmp_path), FACTS, watched(batch_records.quick(200_000)))
    assert len(seen) == 100
    assert max(seen[10:]) - max(seen[:10]) < 6_000_000, "a record more costs nothing from the first 20,000 on"
    told = json.loads((tmp_path / "_liveseg" / "report.json").read_bytes())
    assert told["files"]["done"] + told["files"]["failed"] == 200_000
    assert len(told["timeline"]) <= 120


def test_the_files_say_what_the_report_does(batch_records, tmp_path):
    report = write_report(Place.at(tmp_path), FACTS, batch_records.made_up(3_000))
    folder = tmp_path / "_liveseg"
    told = json.loads((folder / "report.json").read_bytes())
    assert (told["format"], told["version"]) == (FORMAT, VERSION)
    assert set(told) - {"format", "version"} == {own.name for own in dataclasses.fields(BatchReport)}
    assert told["frames"] == report.frames
    text = (folder / "report.html").read_text(encoding="utf-8")
    assert f"{report.files.done:,}" in text
    for kind in report.failures:
        assert f'data-kind="{kind.kind}" data-count="{kind.count}"' in text
    rows = (folder / "failures.csv").read_text(encoding="utf-8").splitlines()
    assert rows[0] == ",".join(FAILURE_COLUMNS)
    assert len(rows) - 1 == sum(kind.count for kind in report.failures)
    assert "pause of" in text
    assert "of 7 listed" in text


def test_an_empty_batch_has_a_report():
    report = report_on([])
    assert "nothing was done" in page(
        dataclasses.replace(report, files=dataclasses.replace(report.files, listed=None)), {}
    )
    assert heading(report).startswith("folder: 0 files done")


def test_every_field_of_the_json_is_in_the_documentation():
    text = (Path(__file__).parents[2] / "docs" / "batch-report.md").read_text(encoding="utf-8")

    def fields(told):
        for own in dataclasses.fields(told):
            yield own.name

    from liveseg.batch import plan, plan_cost, plan_estimate, report_data

    shapes = [
        getattr(report_data, name) for name in vars(report_data) if dataclasses.is_dataclass(getattr(report_data, name))
    ]
    shapes += [plan.Plan, plan.Deadline, plan_cost.Run, plan_cost.Rates, plan_estimate.Estimate]
    missing = sorted({name for shape in shapes for name in fields(shape) if f"`{name}`" not in text})
    assert not missing
