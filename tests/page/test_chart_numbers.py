"""The numbers behind the chart of areas over time."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module")
def call(browser, service):
    """`call(function, *arguments)` of `series.js`."""
    page = browser.new_context().new_page()
    page.goto(f"{service.url}/")

    def run(function, *arguments):
        script = """async ([name, given]) => (await import("./js/series.js"))[name](...given)"""
        return page.evaluate(script, [function, list(arguments)])

    yield run
    page.context.close()


def areas(times, **shares):
    return {"times": times, "classes": [{"index": int(name[1:]), "share": share} for name, share in shares.items()]}


def test_buckets_are_means_and_go_on_where_there_is_no_frame(call):
    given = areas([0.0, 0.5, 1.0, 3.5], c1=[0.2, 0.4, 0.6, 1.0], c2=[0.0, 0.0, 0.1, 0.0])
    first, second = call("bucket", given, 4, 4.0)
    assert first["share"] == pytest.approx([0.3, 0.6, 0.6, 1.0])
    assert second["share"] == pytest.approx([0.0, 0.1, 0.1, 0.0])


def test_a_frame_at_the_very_end_is_in_the_last_bucket(call):
    (only,) = call("bucket", areas([0.0, 2.0], c1=[0.0, 1.0]), 2, 2.0)
    assert only["share"] == [0.0, 1.0]


def test_what_is_not_made_yet_is_not_drawn(call):
    (only,) = call("bucket", areas([0.0, 1.0], c1=[0.2, 0.4]), 4, 4.0, 1.0)
    assert only["share"] == [0.2, 0.4]


def test_a_stack_begins_where_the_class_below_ends(call):
    bands = call("stack", [{"index": 3, "share": [0.1, 0.2]}, {"index": 1, "share": [0.3, 0.5]}])
    assert bands[0]["low"] == [0, 0]
    assert bands[1]["low"] == bands[0]["high"] == pytest.approx([0.1, 0.2])
    assert bands[1]["high"] == pytest.approx([0.4, 0.7])


@pytest.mark.parametrize(("highest", "roof"), [(0.001, 0.05), (0.05, 0.05), (0.19, 0.2), (0.61, 0.8), (0.95, 1)])
def test_the_upper_edge_is_round_and_holds_everything(call, highest, roof):
    assert call("roof", [{"index": 1, "low": [0, 0], "high": [0, highest]}]) == roof


@pytest.mark.parametrize(("duration", "most", "marks"), [(5, 10, [0, 1, 2, 3, 4, 5]), (90, 4, [0, 30, 60, 90])])
def test_marks_of_time_are_those_people_count_in(call, duration, most, marks):
    assert call("timeMarks", duration, most) == marks


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (7.99, "0:07"), (59.9999999, "1:00"), (750, "12:30"), (3723, "1:02:03")]
)
def test_times_are_written_as_players_write_them(call, seconds, text):
    assert call("clockTime", seconds) == text


def test_the_frame_at_a_time_is_the_last_one_that_is_not_later(call):
    times = [0.0, 0.1, 0.2, 0.5]
    found = [call("frameAt", times, at) for at in (-1, 0, 0.15, 0.2, 0.49, 0.5, 9)]
    assert found == [0, 0, 1, 2, 2, 3, 3]


def test_classes_stand_by_falling_mean_share(call):
    ranked = call("ranking", areas([0, 1], c9=[0.1, 0.1], c2=[0.0, 0.6], c1=[0.0, 0.6]))
    assert [row["index"] for row in ranked] == [1, 2, 9]
    assert ranked[0]["most"] == 0.6
