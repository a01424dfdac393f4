"""What is watched over a whole source: areas, events and what follows from them; and what is refused before that."""

from __future__ import annotations

import csv
import json
import threading
import time
from fractions import Fraction

import av
import numpy as np
import pytest

from liveseg.errors import OutputExistsError, SinkError, UsageError
from liveseg.events.watch import Watch
from liveseg.labels import PASCAL_VOC, LabelSet
from liveseg.media.frame import SourceInfo
from liveseg.settings.events import EventSettings

RATE = 10
PIXELS = 48 * 64
HALVES = ("top=0%,0% 100%,0% 100%,50% 0%,50%", "low=0%,50% 100%,50% 100%,100% 0%,100%")


def info(kind="video", *, live=False):
    return SourceInfo("door.mp4", kind, 64, 48, Fraction(RATE), Fraction(1, RATE), live=live)


@pytest.fixture
def watched(result_at):
    """`watched(pixels, when=…)`: a course of so many pixels of a person in each frame, watched; gives the product."""

    def run(course, *, name="door.mp4", made=None, settings=None, watch=None, **options):
        own = watch or Watch(settings or EventSettings(**options))
        made = made or info()
        (product,) = own.products(name, "door", made, PASCAL_VOC)
        with product:
            for number, pixels in enumerate(course):
                result = result_at(number, Fraction(number, RATE), pixels)
                product.write(result, product.prepare(result.segmentation))
        if watch is None:
            own.close()
        return product

    return run


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def share(percent):
    """So many per cent of the picture, in pixels."""
    return round(PIXELS * percent / 100)


def test_events_are_told_with_where_when_and_how_much(watched, tmp_path):
    course = [0] * 5 + [share(10)] * 30 + [0] * 5
    product = watched(course, when=("near: person > 5% for 2s",), then=(f"jsonl:{tmp_path / 'e.jsonl'}",))
    began, ended = lines(tmp_path / "e.jsonl")
    assert (began["event"], began["rule"], began["when"]) == ("began", "near", "person > 5% for 2s")
    assert (began["source"], began["zone"], began["frame"]) == ("door.mp4", None, 25)
    assert (began["began"], began["timestamp"], began["seconds"]) == (0.5, 2.5, 2.0)
    assert began["areas"] == {"person": {"pixels": share(10), "share": pytest.approx(0.1, abs=1e-3)}}
    assert (ended["event"], ended["frame"], ended["seconds"]) == ("ended", 35, 3.0)
    assert ended["areas"]["person"]["pixels"] == 0
    assert "clip" not in began
    assert product.notes == ["near: happened once"]


def test_a_zone_has_shares_of_its_own(watched, tmp_path):
    # A tenth of the picture, all of it in the upper half: a fifth of that.
    rules = ("person > 15% in top", "person > 15%", "person > 0px in low")
    watched([share(10)] * 3, zone=HALVES, when=rules, then=(f"jsonl:{tmp_path / 'e.jsonl'}",))
    began, ended = lines(tmp_path / "e.jsonl")
    assert (began["rule"], began["zone"]) == ("person > 15% in top", "top")
    assert began["areas"]["person"]["share"] == pytest.approx(0.2, abs=1e-3)
    assert ended["event"] == "ended"


def test_aliases_any_and_conditions_of_several_parts(watched, tmp_path):
    rules = ("a: people > 5% and not any > 50%", "b: car > 1% or person >= 100px", "c: not person > 1%")
    watched([0, 90, share(10), share(60)], when=rules, then=(f"jsonl:{tmp_path / 'e.jsonl'}",))
    told = [(event["rule"], event["event"], event["frame"]) for event in lines(tmp_path / "e.jsonl")]
    assert told == [
        ("c", "began", 0),
        ("c", "ended", 1),
        ("a", "began", 2),
        ("b", "began", 2),
        ("a", "ended", 3),
        ("b", "ended", 3),
    ]
    (event,) = [event for event in lines(tmp_path / "e.jsonl") if (event["rule"], event["event"]) == ("a", "began")]
    assert set(event["areas"]) == {"person", "any"}


def test_areas_are_those_of_each_frame_in_the_picture_and_in_each_zone(watched, tmp_path):
    watched([0, 100], areas=tmp_path / "a.csv", zone=HALVES)
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        rows = [(row["frame"], row["zone"], row["class"], int(row["pixels"])) for row in csv.DictReader(file)]
    half = PIXELS // 2
    assert rows == [
        ("0", "", "background", PIXELS),
        ("0", "top", "background", half),
        ("0", "low", "background", half),
        ("1", "", "background", PIXELS - 100),
        ("1", "", "person", 100),
        ("1", "top", "background", half - 100),
        ("1", "top", "person", 100),
        ("1", "low", "background", half),
    ]


def test_a_clip_is_named_in_the_event_and_shows_it(watched, tmp_path):
    course = [0] * 20 + [share(10)] * 15 + [0] * 30
    then = (f"jsonl:{tmp_path / 'e.jsonl'}", f"clip:{tmp_path / 'clips'}")
    watched(course, when=("near: person > 5% for 1s",), then=then, clip_before=Fraction(1), clip_after=Fraction(2))
    began, ended = lines(tmp_path / "e.jsonl")
    assert began["clip"] == ended["clip"]
    assert began["clip"].endswith("door_near_000003.000s.mp4")
    with av.open(began["clip"]) as container:
        values = [round(frame.to_ndarray(format="rgb24").mean()) for frame in container.decode(video=0)]
    # From a second before it held to two seconds after it ended.
    assert (values[0], values[-1]) == pytest.approx((10, 55), abs=2)


def test_a_picture_has_events_but_no_duration_and_no_clip(watched, tmp_path):
    then = (f"jsonl:{tmp_path / 'e.jsonl'}", f"clip:{tmp_path / 'clips'}")
    rules = ("near: person > 5%", "long: person > 5% for 1s", "far: person < 5%")
    product = watched([share(10)], made=info("image"), areas=tmp_path / "a.jsonl", when=rules, then=then)
    assert [(event["event"], event["rule"]) for event in lines(tmp_path / "e.jsonl")] == [("began", "near")]
    assert not (tmp_path / "clips").exists()
    assert {row["timestamp"] for row in lines(tmp_path / "a.jsonl")} == {None}
    assert product.notes == ["near: happened once"]


def test_events_of_several_sources_reach_one_server_and_one_file_at_the_same_time(watched, hook_server, tmp_path):
    settings = EventSettings(
        areas=tmp_path / "a.csv",
        when=("near: person > 5%",),
        then=(f"webhook:{hook_server.url()}", f"jsonl:{tmp_path / 'e.jsonl'}"),
    )
    course = ([0] * 3 + [share(10)] * 3) * 5
    with Watch(settings) as watch:
        names = [f"door {number}" for number in range(4)]
        threads = [
            threading.Thread(target=watched, args=(course,), kwargs={"watch": watch, "name": name}) for name in names
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert watch.notes == []
    told = sorted((body["source"], body["frame"], body["event"]) for body in hook_server.bodies)
    assert told == sorted((event["source"], event["frame"], event["event"]) for event in lines(tmp_path / "e.jsonl"))
    assert len(told) == 4 * 10
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        assert sum(row["class"] == "person" for row in csv.DictReader(file)) == 4 * 15


def test_what_an_action_cannot_do_is_told_at_the_end_and_ends_nothing(watched, hook_server, tmp_path):
    hook_server.answers = [404]
    (tmp_path / "file").write_text("", encoding="utf-8")
    settings = EventSettings(
        when=("person > 5%",), then=(f"webhook:{hook_server.url()}", f"clip:{tmp_path / 'file' / 'clips'}")
    )
    with Watch(settings) as watch:
        product = watched([share(10)] * 3 + [0], watch=watch)
    assert "took 1 of 2 events; at last: it answered 404" in watch.notes[0]
    assert "very-secret" not in watch.notes[0]
    assert product.notes[0].startswith("a clip was not written")
    assert product.notes[1] == "person > 5%: happened once"


def test_what_happened_before_an_exception_is_told(watched, result_at, tmp_path):
    own = Watch(EventSettings(when=("person > 5%",), then=(f"jsonl:{tmp_path / 'e.jsonl'}", f"clip:{tmp_path}")))
    (product,) = own.products("door", "door", info(), PASCAL_VOC)

    def fail():
        with product:
            result = result_at(0, 0, share(10))
            product.write(result, product.prepare(result.segmentation))
            raise ConnectionError

    with pytest.raises(ConnectionError):
        fail()
    own.close()
    assert [event["event"] for event in lines(tmp_path / "e.jsonl")] == ["began", "ended"]
    assert len(list(tmp_path.glob("*.mp4"))) == 1


def test_a_frame_of_a_live_source_has_the_time_at_which_it_arrived(result_at, tmp_path):
    from dataclasses import replace
    from datetime import UTC, datetime

    with Watch(EventSettings(areas=tmp_path / "a.jsonl")) as watch:
        (product,) = watch.products("camera 0", "camera_0", info(live=True), PASCAL_VOC)
        result = result_at(0, 0, 0)
        result = replace(result, frame=replace(result.frame, arrived=time.monotonic() - 100))
        product.write(result, product.prepare(result.segmentation))
    moment = datetime.fromisoformat(lines(tmp_path / "a.jsonl")[0]["time"])
    assert 99 < (datetime.now(UTC) - moment).total_seconds() < 130


def test_pixels_of_no_class_are_in_no_row(result_at, tmp_path):
    with Watch(EventSettings(areas=tmp_path / "a.jsonl")) as watch:
        (product,) = watch.products("door", "door", info(), PASCAL_VOC)
        result = result_at(0, 0, 100)
        result.segmentation.mask[40:] = 255
        product.write(result, product.prepare(result.segmentation))
    assert [row["class"] for row in lines(tmp_path / "a.jsonl")] == ["background", "person"]


def test_nothing_is_made_where_nothing_is_wanted():
    with Watch(EventSettings(zone=HALVES)) as watch:
        assert not watch.wanted
        assert watch.products("door", "door", info(), PASCAL_VOC) == []
        assert [zone.name for zone in watch.zones] == ["top", "low"]


def test_a_model_of_other_classes_has_rules_of_its_own():
    labels = LabelSet(("road", "any"), ((0, 0, 0), (1, 1, 1)), background=False)
    with Watch(EventSettings(when=("a: road > 1%", "b: 'any' > 99%", "c: any > 99%"))) as watch:
        watch.check(labels)
        (product,) = watch.products("door", "door", info(), labels)
    mask = np.zeros((48, 64), np.uint8)
    counted = product._counter.areas(mask)
    assert [bound.holds(counted) for bound, _ in product._rules] == [True, False, True]


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"when": ("person >",)}, UsageError, "--when, at the end: a number is expected"),
        ({"when": ("person > 1%", "person > 1 %")}, UsageError, "two rules are called 'person > 1%'"),
        ({"then": ("jsonl:x.jsonl",)}, UsageError, "write the rule by --when"),
        ({"when": ("person > 1%",), "then": ("mail:secret",)}, UsageError, "--then is clip:DIR, webhook:URL or jsonl"),
        ({"when": ("person > 1%",), "then": ("clip:",)}, UsageError, "--then is clip:DIR"),
        ({"when": ("person > 1%",), "then": ("clip:a", "clip:b")}, UsageError, "twice"),
        ({"when": ("person > 1%",), "then": ("webhook:ftp://secret/",)}, UsageError, "ftp"),
        ({"zone": ("door=1,1",)}, UsageError, "3 corners"),
        ({"areas": "a.txt"}, UsageError, r"\.csv or \.jsonl"),
        ({"areas": "there.csv"}, OutputExistsError, "--overwrite"),
        ({"when": ("person > 1%",), "then": ("clip:there.csv",)}, SinkError, "that is a file"),
    ],
)
def test_what_cannot_be_watched_is_refused_before_anything_starts(tmp_path, monkeypatch, options, error, words):
    from pathlib import Path

    monkeypatch.chdir(tmp_path)
    Path("there.csv").write_text("mine", encoding="utf-8")
    if "areas" in options:
        options = options | {"areas": Path(options["areas"])}
    with pytest.raises(error, match=words) as caught:
        Watch(EventSettings(**options))
    assert "secret" not in str(caught.value)
    assert Path("there.csv").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    ("rule", "place", "words"),
    [
        ("person > 1% and persn > 1%", 16, "did you mean person"),
        ("near: person > 1% in dor", 21, "no zone named 'dor'; there is top, low"),
    ],
)
def test_a_name_that_nobody_knows_is_pointed_at(rule, place, words):
    with Watch(EventSettings(when=(rule,), zone=HALVES)) as watch, pytest.raises(UsageError) as caught:
        watch.check(PASCAL_VOC)
    message, shown, mark = str(caught.value).split("\n")
    assert words in message
    assert (shown, mark) == (f"  {rule}", f"  {' ' * place}^")


def test_a_zone_that_is_not_declared_says_how_to():
    settings = EventSettings(when=("person > 1% in door",))
    with Watch(settings) as watch, pytest.raises(UsageError, match="--zone door=POLYGON"):
        watch.check(PASCAL_VOC)
