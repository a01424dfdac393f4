"""Charts of areas over time: what is read, what is drawn, and pages that stand alone."""

from __future__ import annotations

import json
import re
import subprocess
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from liveseg.errors import MediaError, OutputExistsError, SourceNotFoundError, UsageError
from liveseg.events import chart
from liveseg.events.area_file import AreaFile
from liveseg.events.chart import clock, draw, panels
from liveseg.events.table import read_courses
from liveseg.exports.areas import Area


@pytest.fixture
def table(tmp_path):
    """`table(course, …)`: a file of areas in which a person covers so many per cent of each frame."""

    def write(course, *, name="a.csv", rate=10, sources=("film.mp4",), zones=()):
        file = AreaFile(tmp_path / name, overwrite=True)
        for source in sources:
            for number, percent in enumerate(course):
                areas = [Area(0, "background", 1000 - percent * 10, 1 - percent / 100)]
                if percent:
                    areas.append(Area(15, "person", percent * 10, percent / 100))
                found = {None: areas} | dict.fromkeys(zones, areas)
                file.add(source, number, Fraction(number, rate), None, found)
        file.close()
        return tmp_path / name

    return write


def values(panel, name="person"):
    return next(line.values for line in panel.lines if line.name == name)


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_table_is_read_as_it_was_written_and_absent_classes_are_zero(table, name):
    (course,) = read_courses(table([5, 0, 20], name=name))
    assert (course.source, course.zone) == ("film.mp4", "")
    assert course.times == pytest.approx([0, 0.1, 0.2])
    assert course.shares["person"] == pytest.approx([0.05, 0, 0.2])
    assert course.shares["background"] == pytest.approx([0.95, 1, 0.8])


def test_a_table_of_one_source_without_its_name_is_read(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(
        "frame,timestamp,class_index,class,pixels,share,mean_confidence\r\n0,0.0,15,person,10,0.5,0.9\r\n",
        encoding="utf-8",
    )
    (course,) = read_courses(path)
    assert (course.source, course.zone, list(course.shares["person"])) == ("", "", [0.5])


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_last_line_that_is_not_whole_is_left_out(table, name):
    path = table([5, 5, 20], name=name)
    whole = path.read_bytes()
    path.write_bytes(whole[:-3])
    (course,) = read_courses(path)
    assert course.shares["person"] == pytest.approx([0.05, 0.05, 0])


def test_a_table_that_a_spreadsheet_saved_with_a_byte_order_mark_is_read(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("timestamp,class,pixels,share\r\n0,cat,1,0.5\r\n", encoding="utf-8-sig")
    (course,) = read_courses(path)
    assert course.shares["cat"] == pytest.approx([0.5])


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        ("source,frame\n1,2\n", MediaError, "no column 'timestamp'"),
        ("timestamp,class,pixels,share\n", MediaError, "no rows"),
        ("timestamp,class,pixels,share\n,cat,1,1\n", MediaError, "only pictures"),
        ("timestamp,class,pixels,share\n1,cat,1,much\n", MediaError, "cannot be read"),
        ("timestamp,class,pixels,share\n1,cat,1\n", MediaError, "row 1 is not whole"),
        ("timestamp,class,pixels,share\n1,cat,1,0.5\nnan,cat,1,1\n", MediaError, "row 2 .* no number"),
        ("timestamp,class,pixels,share\n1,cat,1,inf\n", MediaError, "row 1 .* no number"),
        ("\x00\xff", MediaError, "."),
        ("", MediaError, "no column"),
    ],
)
def test_what_is_no_table_of_areas_is_told(tmp_path, content, error, words):
    path = tmp_path / "a.csv"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(error, match=words):
        read_courses(path)


def test_files_that_are_not_there_or_of_another_kind_are_told(tmp_path):
    with pytest.raises(SourceNotFoundError, match=r"--areas gone\.csv"):
        read_courses(tmp_path / "gone.csv")
    with pytest.raises(UsageError, match="no table of areas"):
        read_courses(tmp_path / "a.mp4")
    (tmp_path / "b.jsonl").write_text("[1, 2]\n", encoding="utf-8")
    with pytest.raises(MediaError, match="cannot be read"):
        read_courses(tmp_path / "b.jsonl")


def test_each_source_and_zone_has_a_panel_and_the_background_no_line(table):
    courses = read_courses(table([5, 7], sources=("a.mp4", "b.mp4"), zones=("door",)))
    found = panels(courses)
    assert [panel.title for panel in found] == ["a.mp4", "a.mp4, zone door", "b.mp4", "b.mp4, zone door"]
    assert [[line.name for line in panel.lines] for panel in found] == [["person"]] * 4
    assert values(found[0]) == pytest.approx([5, 7])
    chosen = panels(courses, classes=["Background", "person"], zones=["door"])
    assert [panel.title for panel in chosen] == ["a.mp4, zone door", "b.mp4, zone door"]
    assert [line.name for line in chosen[0].lines] == ["background", "person"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"classes": ["cat"]}, "no class 'cat'; there is background, person"),
        ({"zones": ["x"]}, "no zone 'x'; there is door"),
        ({"sources": ["x"]}, "no source 'x'; there is film.mp4"),
    ],
)
def test_a_class_source_or_zone_that_the_table_does_not_have_is_told(table, options, words):
    with pytest.raises(UsageError, match=words):
        panels(read_courses(table([5], zones=("door",))), **options)


def test_more_panels_than_anyone_can_read_are_refused(table):
    courses = read_courses(table([5], sources=[f"{n}.mp4" for n in range(49)]))
    with pytest.raises(UsageError, match="choose by --source and --zone"):
        panels(courses)
    assert [panel.title for panel in panels(courses, sources=["7.mp4", "48.MP4"])] == ["7.mp4", "48.mp4"]


def test_many_panels_stand_in_columns(table, tmp_path, require_module):
    require_module("matplotlib", "matplotlib")
    path = tmp_path / "a.html"
    draw(panels(read_courses(table([5, 50, 20], sources=[f"{n}.mp4" for n in range(25)]))), path)
    _, plots = page_of(path)
    corners = [(plot["x"], plot["y"]) for plot in plots]
    columns = [corners[:9], corners[9:18], corners[18:]]
    for column in columns:  # of three, down the first one, then down the next
        assert len({round(x) for x, _ in column}) == 1
        assert [y for _, y in column] == sorted(y for _, y in column)
    assert columns[0][0][0] + plots[0]["width"] < columns[1][0][0]
    assert columns[1][0][0] + plots[9]["width"] < columns[2][0][0]


def test_smoothing_is_the_mean_of_the_seconds_around(table):
    course = [0, 10, 0, 10, 0, 10, 20, 20]
    (panel,) = panels(read_courses(table(course)), smooth=0.25)
    means = [np.mean(course[max(place - 1, 0) : place + 2]) for place in range(len(course))]
    assert values(panel) == pytest.approx(means)


def test_a_long_table_is_drawn_by_means_of_about_as_many_points_as_a_picture_is_wide(table, monkeypatch):
    monkeypatch.setattr(chart, "_MOST_POINTS", 50)
    course = list(np.random.default_rng(0).integers(0, 100, 1000))
    (panel,) = panels(read_courses(table([int(share) for share in course])))
    assert 45 <= len(panel.times) <= 50
    assert not np.isnan(values(panel)).any()
    assert values(panel)[0] == pytest.approx(np.mean(course[:20]), abs=3)
    assert np.mean(values(panel)) == pytest.approx(np.mean(course), abs=1)


def test_no_line_is_drawn_over_a_gap_between_frames(tmp_path):
    file = AreaFile(tmp_path / "a.csv")
    for number in [0, 1, 2, 100, 101]:
        file.add("camera", number, Fraction(number, 5), None, {None: [Area(15, "person", 1, 0.5)]})
    file.close()
    (panel,) = panels(read_courses(tmp_path / "a.csv"))
    assert list(np.isnan(values(panel))) == [False, False, False, True, False, False]


def test_the_picture_shows_each_class_in_its_colour(table, tmp_path, require_module):
    require_module("matplotlib", "matplotlib")
    path = tmp_path / "a.png"
    draw(panels(read_courses(table([5, 50, 20, 80]))), path)
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB")).reshape(-1, 3)
    assert (pixels == (192, 128, 128)).all(axis=1).sum() > 500
    with pytest.raises(OutputExistsError):
        draw([], path, overwrite=False)
    with pytest.raises(UsageError, match=r"\.html"):
        draw([], tmp_path / "a.mp4")


def page_of(path):
    text = path.read_text(encoding="utf-8")
    return text, json.loads(re.search(r"^const plots = (.*);$", text, re.MULTILINE)[1])


def test_the_page_stands_alone_and_holds_the_values(table, tmp_path, require_module):
    require_module("matplotlib", "matplotlib")
    path = tmp_path / "a.html"
    draw(panels(read_courses(table([5, 50, 20], zones=("door",)))), path)
    text, plots = page_of(path)
    assert not re.search(r"""(?:src|href)\s*=\s*["'](?!#)""", text)
    assert "url(" not in text.replace("url(#", "")
    assert "default-src 'none'" in text
    assert [plot["lines"][0]["values"] for plot in plots] == [[5, 50, 20]] * 2
    assert plots[0]["times"] == [0, 0.1, 0.2]
    assert plots[0]["lines"][0]["color"] == "#c08080"
    # The panels lie one below the other, within the drawing.
    _, _, width, height = map(float, re.search(r'viewBox="([^"]+)"', text)[1].split())
    assert plots[0]["y"] + plots[0]["height"] < plots[1]["y"]
    assert all(plot["x"] + plot["width"] <= width and plot["y"] + plot["height"] <= height for plot in plots)


def test_names_are_only_ever_names(tmp_path, require_module):
    require_module("matplotlib", "matplotlib")
    odd = ["</script><script>alert(1)</script>", "$x^2$", "_hidden", "@PLOTS@", "<b>&amp;"]
    file = AreaFile(tmp_path / "a.csv")
    for number in range(2):
        areas = [Area(place, name, 1, 0.1) for place, name in enumerate(odd)]
        file.add("@DRAWING@ $a_b$ <i>", number, Fraction(number), None, {None: areas})
    file.close()
    draw(panels(read_courses(tmp_path / "a.csv")), tmp_path / "a.html")
    text, plots = page_of(tmp_path / "a.html")
    assert [line["name"] for line in plots[0]["lines"]] == odd
    assert text.count("<script>") == 1
    assert text.count("</script>") == 1
    assert "<b>&amp;" not in text.partition("<script>")[0]
    for name in ("$x^2$", "_hidden", "@DRAWING@ $a_b$ &lt;i&gt;"):
        assert name in text.partition("<script>")[0]


def test_the_script_of_the_page_shows_the_values_under_the_pointer(table, tmp_path, require, require_module):
    require_module("matplotlib", "matplotlib")
    node = require("node", "nodejs")
    draw(panels(read_courses(table([5, 50, 20]))), tmp_path / "a.html")
    text, _ = page_of(tmp_path / "a.html")
    script = text.partition("<script>")[2].partition("</script>")[0]
    # As much of a browser as the script needs: the drawing is shown at twice its size, at 100, 50.
    browser = """
const made = () => ({hidden: true, style: {}, parts: [], offsetWidth: 80,
  append(...parts) { this.parts.push(...parts); }, replaceChildren() { this.parts = []; }});
const listeners = {}, elements = {line: made(), values: made()};
elements.chart = {querySelector: () => ({viewBox: {baseVal: {width: 648}},
  getBoundingClientRect: () => ({left: 100, top: 50, width: 1296})}),
  addEventListener: (kind, listener) => { listeners[kind] = listener; }};
const document = {getElementById: name => elements[name], createElement: made};
"""
    point = """
const text = part => typeof part === "string" ? part : part.textContent ?? part.parts.map(text).join("");
const at = (x, y) => { listeners.pointermove({clientX: 100 + 2 * x, clientY: 50 + 2 * y});
  return elements.values.hidden ? null : elements.values.parts.map(text); };
const p = plots[0], low = p.y + p.height / 2;
console.log(JSON.stringify([at(p.x, low), at(p.x + p.width * 0.45, low), at(p.x + p.width, low), at(p.x - 5, low)]));
"""
    program = tmp_path / "page.js"
    program.write_text(browser + script.replace('"use strict";', "") + point, encoding="utf-8")
    done = subprocess.run([node, program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [
        ["0.00 s", "person 5.00%"],
        ["0.10 s", "person 50.00%"],
        ["0.20 s", "person 20.00%"],
        None,
    ]


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0s"), (7.5, "7.5s"), (60, "1:00"), (67, "1:07"), (7267, "2:01:07"), (3599.7, "1:00:00")]
)
def test_times_are_shown_as_people_say_them(seconds, shown):
    assert clock(seconds) == shown
