from __future__ import annotations

from rich.console import Console

from liveseg import Segmenter
from liveseg.cli.report import print_report
from liveseg.job import Outcome
from liveseg.media.frame import LiveFacts
from liveseg.pipeline import Pipeline
from liveseg.report import RunReport, SourceReport


def report(together, *outcomes):
    segmenter = Segmenter("lite", size=33)
    sources = [SourceReport(str(number), "video", outcome=outcome) for number, outcome in enumerate(outcomes)]
    return RunReport(segmenter, Pipeline(segmenter), sources, together)


def test_times_of_sources_one_after_the_other_add_up_and_of_those_together_do_not():
    outcomes = Outcome(frames=50, seconds=2.0), Outcome(frames=100, seconds=4.0)
    assert report(False, *outcomes).rate == 25
    assert report(True, *outcomes).rate == 37.5
    assert report(True).rate == 0


def test_only_a_live_source_tells_of_ages_and_losses():
    live = Outcome(frames=3, seconds=1.0, live=True, dropped=4, placeholders=1, facts=LiveFacts(reconnects=2))
    live.age.add(0.05)
    file, stream = report(False, Outcome(frames=3, seconds=1.0), live).to_json()["sources"]
    assert not {"age_ms", "dropped", "reconnects"} & file.keys()
    assert stream["age_ms"] == {"p50": 50.0, "p95": 50.0}
    assert (stream["dropped"], stream["placeholders"], stream["reconnects"]) == (4, 1, 2)


def test_brackets_in_what_is_told_are_no_markup(capsys):
    told = report(False, Outcome(frames=3, seconds=1.0))
    told.segmenter.chosen = "onnx: pip install 'liveseg[openvino]' is faster"
    print_report(told, Console(width=200))
    assert "liveseg[openvino]" in capsys.readouterr().out
