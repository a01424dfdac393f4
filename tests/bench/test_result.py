"""The record of a benchmark: what is derived from it, written and read back."""

from __future__ import annotations

import json

import pytest

from liveseg.bench import load_result
from liveseg.bench.combination import Combination
from liveseg.bench.result import Baseline, BenchResult, Entry
from liveseg.errors import MediaError, SourceNotFoundError


def test_what_is_written_is_read_back(result, tmp_path):
    result.baselines = [Baseline("lite", [{"frames_per_second": 5.0}], None), Baseline("lraspp", error="no weights")]
    result.entries[0].streams = [{"streams": 1, "held": True}]
    path = tmp_path / "result.json"
    path.write_text(json.dumps(result.to_json()), encoding="utf-8")
    again = load_result(path)
    assert again == result
    assert again.to_json() == result.to_json()


def test_the_summary_comes_from_the_raw_rounds(result):
    told = result.summary(result.entries[0])
    assert told["frames_per_second"] == {
        "median": 25.0, "p5": pytest.approx(20.5), "p95": pytest.approx(29.5), "count": 2,
    }  # fmt: skip
    assert told["peak_bytes"] == 2 * 10**8
    assert told["stages_ms"]["infer"] == pytest.approx((50 + 1e3 / 30) / 2)
    assert told["network_frames_per_second"]["median"] == 50.0
    assert told["wall_to_busiest_thread"] == pytest.approx(10 / 8)
    assert told["threads_explained"] == 0.96
    assert result.to_json()["entries"][0]["summary"]["frames_per_second"]["median"] == 25.0


def test_the_share_of_the_limit_is_that_of_the_same_round_and_precision(result):
    native, small, _ = result.entries
    gmacs = 1.083 * 769 * 577 / (321 * 417)
    assert native.gmacs == pytest.approx(gmacs)
    # The better of two libraries, each round's own: 200 and 400.
    assert result.limit("float32") == [200.0, 400.0]
    assert result.shares_of_limit(native) == pytest.approx([2 * gmacs * 40 / 200, 2 * gmacs * 60 / 400])
    assert result.limit("float32", "cuda:0") == []
    assert result.shares_of_limit(small) == [], "no limit was measured in bfloat16"


def test_only_what_has_the_same_size_is_compared_with_the_tutorial(result):
    native, small, absent = result.entries
    assert result.ratios_to_baseline(native) == []
    result.baselines = [Baseline("lite", [{"frames_per_second": 5.0}, {"frames_per_second": 6.0}])]
    assert result.ratios_to_baseline(native) == [4.0, 5.0]
    assert result.summary(native)["ratio_to_tutorial"] == {"by_round": [4.0, 5.0], "median": 4.5}
    assert result.ratios_to_baseline(small) == []
    assert result.ratios_to_baseline(absent) == []


def test_the_most_streams_are_the_most_that_held():
    entry = Entry(Combination("lite"))
    assert entry.held_streams is None
    entry.streams = [{"streams": count, "held": held} for count, held in ((1, True), (2, True), (3, False))]
    assert entry.held_streams == 2


def test_quality_says_where_it_comes_from(result):
    def quality(model, size, width, height, precision="float32", weights="published"):
        found = {"size": size, "network_input": [width, height], "precision": precision}
        return Entry(Combination(model), weights, found).quality

    assert quality("lite", 321, 417, 321) == (pytest.approx(38.0), "measured")
    assert quality("lraspp", 520, 693, 520) == (pytest.approx(57.9), "published")
    value, kind = quality("lraspp", 260, 347, 260)
    assert kind == "assumed"
    assert 0 < value < 57.9
    assert quality("lraspp", 520, 693, 520, "bfloat16")[1] == "published"
    assert quality("lraspp", 520, 693, 520, "int8")[1] == "assumed"
    assert quality("lite", 289, 385, 289, "int8")[1] == "assumed"
    assert quality("lite", 353, 449, 353)[1] == "assumed", "between two sizes that were measured"
    assert quality("lite", 289, 385, 289, weights="bundled")[1] == "measured"
    assert quality("lite", 289, 385, 289, weights="own.pth") is None
    assert quality("lraspp", 520, 693, 520, weights="random") is None
    assert quality("mine", 257, 337, 257) is None
    assert result.entries[2].quality is None, "it did not run"


def test_no_folder_of_a_weights_file_is_recorded(tmp_path, result):
    result.entries[0].combination = Combination("lite", weights=str(tmp_path / "own.pth"))
    text = json.dumps(result.to_json())
    assert "own.pth" in text
    assert str(tmp_path) not in text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("not json", "JSON"),
        ("[]", "no result"),
        ("{}", "no result"),
        ('{"schema": 1, "entries": 3, "baselines": []}', "no result"),
        ('{"schema": 99}', "newer"),
    ],
)
def test_a_file_that_is_no_result_is_refused_by_name(tmp_path, content, message):
    path = tmp_path / "result.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(MediaError, match=message) as caught:
        load_result(path)
    assert "result.json" in str(caught.value)


def test_a_file_that_is_not_there_is_missed(tmp_path):
    with pytest.raises(SourceNotFoundError, match=r"nothing\.json"):
        load_result(tmp_path / "nothing.json")


def test_what_should_have_run_and_did_not_is_a_failure(result):
    absent = result.entries[2]
    assert result.failed
    absent.offered = False
    assert not result.failed
    result.baselines = [Baseline("lite", error="no weights")]
    assert result.failed
    result.baselines, result.entries = [], [absent]
    assert result.failed, "nothing ran"


def test_a_result_without_runs_is_still_a_result():
    bare = BenchResult("", "", {}, {}, None, {}, {}, [Entry(Combination("lite"), error="no")])
    assert BenchResult.from_json(bare.to_json()) == bare
    assert bare.to_json()["entries"][0]["summary"] == {}
