"""`benchmarks/load` makes load against this machine only, ends by itself, and tells what it saw."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "benchmarks" / "load"


@pytest.mark.parametrize("host", ["example.org", "192.168.0.1", "8.8.8.8", "localhost.example.org", "localhost", ""])
def test_load_is_made_against_nobody_else(program, host):
    with pytest.raises(SystemExit, match=r"127\.0\.0\.1 only"):
        program("http1").Connection(host, 80)


@pytest.mark.parametrize("more", [{"clients": 100_000}, {"seconds": 1e9}, {"host": "example.org"}])
def test_the_clients_refuse_a_plan_without_bounds(more):
    plan = {"kind": "images", "host": "127.0.0.1", "port": 9, "clients": 1, "seconds": 1, "pictures": [], "path": "/"}
    done = subprocess.run(
        [sys.executable, FOLDER / "clients.py"],
        input=json.dumps(plan | more),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert "Traceback" not in done.stderr


def test_percentiles_are_times_that_were_measured(program):
    taken = program("clients").Taken()
    taken.times, taken.seconds = [number / 1000 for number in range(100, 0, -1)], 2.0
    told = taken.told()
    assert told["rate"] == 50
    assert told["ms"] == {"p50": 50.0, "p95": 95.0, "p99": 99.0, "max": 100.0}


def test_what_goes_wrong_is_counted_and_ends_nothing(program, tmp_path):
    """Clients of a port that hangs up, as a service that crashed."""
    import asyncio
    import socket

    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    (tmp_path / "a.jpg").write_bytes(b"jpeg")
    plan = {
        "kind": "images", "host": "127.0.0.1", "port": port, "clients": 3, "seconds": 0.5,
        "pictures": [str(tmp_path / "a.jpg")], "path": "/v1/segment",
    }  # fmt: skip
    told = asyncio.run(program("clients").run(plan))
    assert told["answers"] == 0
    assert told["errors"]["ConnectionRefusedError"] >= 3


def test_memory_that_grows_is_told_as_growing(program):
    growth = program("endurance").growth
    flat = [{"at": second, "rss": 300e6 + second % 3 * 1e6} for second in range(100)]
    growing = [{"at": second, "rss": 300e6 + second * 1e6} for second in range(100)]
    assert abs(growth(flat)["mb_a_minute"]) < 1
    assert growth(growing)["mb_a_minute"] == pytest.approx(60)
    assert growth(growing)["last_mb"] - growth(growing)["first_mb"] == pytest.approx(90, abs=1)


def test_the_page_shows_what_was_measured(program):
    """The tables of `docs/deploy.md` are those of the committed record."""
    record = json.loads((ROOT / "benchmarks" / "results" / "load.json").read_text(encoding="utf-8"))
    assert program("table").tables(record) in (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    assert record["failed"] == []


@pytest.mark.long
def test_a_short_run_makes_a_record(tmp_path):
    target = tmp_path / "load.json"
    command = [sys.executable, FOLDER, "--quick", "--only", "load,batching,overhead", "-o", target]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    record = json.loads(target.read_text(encoding="utf-8"))
    for step in [*record["load"]["images"], *record["load"]["live"]]:
        assert step["answers"] > 0
        assert step["server"]["rss_mb"] > 50
    assert record["load"]["exit_code"] == 0
    assert record["load"]["stages_ms"]["network"] > 0
    assert record["overhead"]["rate_without_http"] > 0
    assert "| Clients |" in done.stderr
