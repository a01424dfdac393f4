"""The record of `scaling.py`, what `simulate.py` made of it, its plot, and what the page says of both, agree."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "benchmarks" / "batch"
RESULTS = ROOT / "benchmarks" / "results"


@pytest.fixture(scope="module")
def scaling():
    return json.loads((RESULTS / "batch_scaling.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def simulation():
    return json.loads((RESULTS / "batch_simulation.json").read_text(encoding="utf-8"))


def run(name, *arguments):
    command = [sys.executable, FOLDER / name, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    return done


def test_the_simulation_was_made_from_the_measurements_that_are_here(program, scaling, simulation):
    assert simulation["costs"] == dataclasses.asdict(program("costs").Costs.measured(scaling))
    assert simulation["images"] == 10_000_000
    assert [row["workers"] for row in simulation["cases"]["design"]["workers"]][0::9] == [1, 1000]


def test_the_simulation_says_how_far_off_it_is(simulation):
    checked = {row["way"]: row for row in simulation["check"]}
    assert {"local, 1 worker", "local, 2 workers"} <= checked.keys()
    assert not checked["local, 2 workers"]["made_from"]
    for row in checked.values():
        off = row["predicted_images_a_second"] / row["measured_images_a_second"] - 1
        assert row["error"] == pytest.approx(off, abs=2e-3)
    assert abs(checked["local, 1 worker"]["error"]) < 0.05, "what it is made from comes out again"


def test_no_case_does_more_than_its_parts_let_through(simulation):
    for case in simulation["cases"].values():
        for row in case["workers"]:
            least = min(value for name, value in row["capacities"].items() if name != "workers")
            assert row["rate"] <= least * 1.01
            assert 0 < row["efficiency"] < 1.05
            assert all(0 <= share <= 1.01 for share in row["busy"].values())


def test_the_page_shows_what_was_measured_and_simulated(program, scaling, simulation):
    page = (ROOT / "docs" / "batch.md").read_text(encoding="utf-8")
    assert program("simulation_table").block(scaling, simulation) in page


def test_the_plot_is_that_of_the_record(program, simulation, tmp_path):
    program("plot_simulation").draw(simulation, tmp_path / "batch-scaling.svg")
    program("plot_simulation").draw(simulation, tmp_path / "batch-scaling.png")
    assert (tmp_path / "batch-scaling.png").read_bytes().startswith(b"\x89PNG")
    drawn = (tmp_path / "batch-scaling.svg").read_text(encoding="utf-8")
    there = (ROOT / "docs" / "images" / "batch-scaling.svg").read_text(encoding="utf-8")
    # Another version of matplotlib may draw a letter elsewhere; as many lines with as many points it has to have.
    assert drawn.count("<path") == there.count("<path")
    assert drawn.count("<use") == there.count("<use")


def test_a_few_workers_are_simulated_by_the_command(tmp_path):
    target = tmp_path / "simulation.json"
    done = run("simulate.py", "--images", 20_000, "--workers", 1, 8, "--set", "put_rate=50", "-o", target)
    record = json.loads(target.read_text(encoding="utf-8"))
    assert "predicted" in done.stderr
    assert record["assumptions"]["put_rate"]["value"] == 50
    assert [row["workers"] for row in record["cases"]["design"]["workers"]] == [1, 8]
    assert record["cases"]["one prefix"]["workers"][1]["limit"] == "writes"


@pytest.mark.long
def test_a_short_measurement_makes_a_record_that_can_be_simulated(tmp_path):
    scaling, simulation = tmp_path / "scaling.json", tmp_path / "simulation.json"
    run("scaling.py", "--images", 24, "--bundle", 6, "--rounds", 1, "--names", 500, "--no-ray", "-o", scaling)
    record = json.loads(scaling.read_text(encoding="utf-8"))
    for own in record["ways"].values():
        assert own["images_a_second"] > 0
        assert own["stage_ms"]["network"] > 0
        assert own["bytes_in"] > 1000
        assert own["outputs"] == 1
    assert record["driver"]["item_us"] > 0
    run("simulate.py", "--images", 20_000, "--workers", 1, "--scaling", scaling, "-o", simulation)
