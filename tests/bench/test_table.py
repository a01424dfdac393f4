"""A result as tables."""

from __future__ import annotations

from liveseg.bench.result import Baseline
from liveseg.bench.table import Table, heading, remarks, tables


def rows_of(markdown):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in markdown.splitlines() if "|" in line]


def test_every_row_has_a_cell_under_every_heading(result):
    result.baselines = [
        Baseline("lite", [{"frames_per_second": 5.0, "peak_bytes": 10**9, "stages_ms": {"network": 190.0}}] * 2)
    ]
    for table in tables(result):
        rows = rows_of(table.markdown())
        assert len(rows) == len(table.rows) + 2
        assert len({len(row) for row in rows}) == 1, table.title


def test_rates_ratios_and_shares_stand_in_the_tables(result):
    result.baselines = [
        Baseline("lite", [{"frames_per_second": 5.0, "peak_bytes": 10**9, "stages_ms": {"network": 190.0}}] * 2)
    ]
    result.entries[0].agreement = {"share": 0.9987, "classes": ["background", "cat"]}
    result.entries[1].agreement = {"share": 1.0, "classes": ["background"]}
    line, stages, tutorial, network, limits = tables(result)
    native, small, loop = line.rows
    assert native["frames/s"] == "25.0 (20.5 to 29.5)"
    assert native["times the tutorial"] == "5.00 (4.00, 6.00)"
    assert small["times the tutorial"] == ""
    assert native["same pixels"] == "99.87%"
    assert small["same pixels"] == "100.00% of 1 class", "masks of one class agree whatever the arithmetic"
    assert loop["runtime"] == "tutorial's loop"
    assert stages.rows[0]["postprocess"] == "1.0"
    assert stages.rows[0]["wall to busiest"] == "1.25"
    assert tutorial.rows[0]["network"] == "190.0"
    assert network.rows[0]["share of limit"].endswith("%")
    assert network.rows[1]["share of limit"] == ""
    assert limits.rows[1] == {"by": "onnx", "precision": "float32", "Gop/s": "300"}


def test_what_cannot_run_is_said_with_its_reason(result):
    assert any("lraspp at 257" in line and "not here" in line for line in remarks(result))
    assert any("0.25 cores" in line for line in remarks(result))
    assert "A processor" in heading(result)
    result.source["frames"] = 7
    assert "2 rounds of 7 frames" in heading(result), "the clip is shorter than what was asked for"


def test_a_heading_without_values_is_left_out():
    table = Table("t", [{"a": "1", "b": ""}, {"a": "2", "c": "3"}])
    assert table.headings == ["a", "c"]
    assert table.cells() == [["1", ""], ["2", "3"]]
