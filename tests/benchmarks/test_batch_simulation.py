"""`benchmarks/batch/simulate.py`: what its model must hold whatever the numbers are."""

from __future__ import annotations

import dataclasses
import math
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "benchmarks" / "batch"


@pytest.fixture
def plain(program):
    """A machine that waits for nothing: `plain(workers, **changed)`."""

    def make(workers, **changed):
        own = program("cluster").Cluster.this_machine(workers, cores=0, bundle=10)
        return dataclasses.replace(own, **{"workers_a_node": 4, "partitions": 1} | changed)

    return make


@pytest.fixture
def costs(program):
    return program("costs").Costs(work=0.12, bytes_in=200_000, bytes_out=50_000)


@pytest.fixture
def run(program, costs):
    def through(images, cluster, **changed):
        return program("events").Run(images, dataclasses.replace(costs, **changed), cluster).through()

    return through


def test_one_worker_without_overheads_takes_the_sum(run, plain):
    outcome = run(1000, plain(1))
    assert outcome.seconds == pytest.approx(1000 * 0.12)
    assert outcome.efficiency == pytest.approx(1)
    assert outcome.tail == 0


def test_overheads_add_up(run, plain):
    """20 bundles of 10: each costs its own overhead, each image the driver's twice, and a start comes before all."""
    outcome = run(200, plain(1), start=5.0, bundle=0.5, driver_item=0.01, driver_record=0.001)
    # The driver takes a bundle's records while the worker waits for the next: it serves one thing after the other.
    assert outcome.seconds == pytest.approx(5 + 200 * 0.12 + 20 * 0.5 + 200 * (0.01 + 0.001))


@pytest.mark.parametrize("workers", [2, 5, 20])
def test_workers_that_wait_for_nothing_share_the_work(run, plain, workers):
    outcome = run(10_000, plain(workers))
    assert outcome.seconds == pytest.approx(10_000 * 0.12 / workers, rel=0.03)


def test_every_image_is_done_once_though_nodes_are_lost(run, plain):
    outcome = run(20_000, plain(8, losses_a_day=2000, notice=3, node_start=10), spread=0.4)
    assert outcome.lost > 5
    assert outcome.images == 20_000
    # Those that were lost were begun again; nothing else was begun twice.
    assert 2000 < outcome.bundles <= 2000 + outcome.lost
    assert outcome.seconds > run(20_000, plain(8), spread=0.4).seconds


def test_little_s_law_holds(run, plain):
    """Bundles in progress = bundles a second times how long each is in progress; counted apart from each other."""
    outcome = run(20_000, plain(16, put_rate=600, get_rate=600), spread=0.5, driver_item=0.001, driver_record=0.001)
    seconds = outcome.seconds - 10 * 0.001  # the last records are taken after the last bundle has left its worker
    assert outcome.in_progress == pytest.approx(outcome.bundles / seconds * outcome.residence, rel=1e-6)


@pytest.mark.parametrize(
    ("part", "changed", "costs_changed", "rate"),
    [
        ("writes", {"put_rate": 60, "log_requests": 0}, {}, 60),
        ("writes", {"put_rate": 60, "log_requests": 10, "log_seconds": 1.2}, {}, 30),
        ("writes", {"put_rate": 60, "log_requests": 0}, {"outputs": 3}, 20),
        ("reads", {"get_rate": 45, "partitions": 2}, {}, 90),
        ("driver", {}, {"driver_item": 0.01, "driver_record": 0.01}, 50),
        ("store", {"store_bandwidth": 250_000 * 40}, {}, 40),
        ("network", {"node_bandwidth": 200_000 * 10}, {}, 80),
        ("network", {"node_bandwidth": 250_000 * 30, "through_driver": 1}, {}, 30),
        ("listing", {"page": 100, "list_latency": 2.0, "list_streams": 1}, {}, 50),
    ],
)
def test_the_slowest_part_sets_the_rate(program, run, plain, costs, part, changed, costs_changed, rate):
    """32 workers could do 267 images a second; each part alone holds them to what one can work out on paper."""
    cluster = plain(32, **changed)
    outcome = run(30_000, cluster, **costs_changed)
    assert outcome.limit == part
    assert outcome.rate == pytest.approx(rate, rel=0.05)
    assert program("cluster").capacities(dataclasses.replace(costs, **costs_changed), cluster)[part] == pytest.approx(
        rate
    )
    assert outcome.busy[part] == pytest.approx(1, abs=0.05)


def test_more_workers_never_take_longer_and_never_gain_more_than_their_number(run, plain):
    rates = [run(20_000, plain(count, put_rate=100)).rate for count in (1, 2, 4, 8, 16, 64)]
    assert all(after >= before * 0.999 for before, after in pairwise(rates))
    assert all(rate <= count * rates[0] * 1.001 for rate, count in zip(rates, (1, 2, 4, 8, 16, 64), strict=True))
    assert max(rates) <= 100


def test_transfers_beside_the_work_hide_the_store_s_latency(run, plain):
    """And the log's, unless it is longer than records wait for each other there; also at the borders of 50 bundles."""
    far = {"get_latency": 0.2, "put_latency": 0.3}
    alone, ahead = run(500, plain(1, **far, transfers=0)), run(500, plain(1, **far, transfers=4))
    # In turn, the log is one more thing to wait for, every second.
    assert alone.seconds == pytest.approx(500 * (0.12 + 0.5) * (1 + 0.3))
    assert ahead.seconds == pytest.approx(500 * 0.12)
    slower = run(500, plain(1, **far, transfers=2))
    assert slower.seconds == pytest.approx(500 * 0.15), "putting takes longer than the work"
    often = run(500, plain(1, **far, transfers=4, log_seconds=0.24))
    assert often.seconds == pytest.approx(500 * 0.12 + 250 * (0.3 - 0.24)), "two images an object"
    singly = run(500, plain(1, **far, transfers=4, log_seconds=0))
    assert singly.seconds == pytest.approx(500 * (0.12 + 0.3))


def test_cores_that_are_shared_slow_everybody_down(run, plain):
    assert run(1000, plain(4, cores=2)).rate == pytest.approx(run(1000, plain(2, cores=2)).rate, rel=0.05)


def test_slow_nodes_make_a_tail_of_one_bundle_at_most(run, plain):
    """Workers pull: one that is slow does less, and only its last bundle keeps the others waiting."""
    slow = {"slow_share": 0.4, "slow_factor": 7.3}
    assert run(320, plain(32)).tail == 0
    assert run(320, plain(32, **slow)).tail == pytest.approx(10 * 0.12 * 6.3)
    even, uneven = run(4000, plain(32)), run(4000, plain(32, **slow))
    assert uneven.tail <= 10 * 0.12 * 7.3 + 1e-6
    assert uneven.seconds < even.seconds * 7.3 / 2


def test_bundles_are_as_large_as_liveseg_makes_them(program, costs):
    """The rule is liveseg's own: images that keep a worker longer come in smaller bundles."""
    settled, cluster = program("cluster").settled, program("cluster").Cluster
    here, far = settled(costs, cluster.this_machine(1, 0, 1)), settled(costs, cluster(get_latency=1.0, put_latency=1.0))
    assert here.bundle > far.bundle >= 1
    # What is waited for beside the work does not count.
    assert settled(costs, cluster(get_latency=0.4, put_latency=0.4)).bundle == here.bundle


def test_each_assumption_says_where_it_is_from(program):
    sources = program("cluster").Cluster().sources()
    assert len(sources) >= 20
    for name, told in sources.items():
        assert told["what"], name
        assert told["source"].startswith("https://") or not told["source"].startswith("http"), name


def test_an_assumption_can_be_changed_and_a_wrong_name_is_refused(program):
    changed = program("simulate").assumed(["get_latency=0.5", "partitions=3"])
    assert (changed.get_latency, changed.partitions) == (0.5, 3)
    with pytest.raises(SystemExit, match="no assumption 'latency'"):
        program("simulate").assumed(["latency=1"])


def test_where_it_stops_is_where_the_capacities_meet(program, costs):
    cluster = program("cluster").Cluster(partitions=1, bundle=64, list_streams=16)
    told = program("simulate").stops(costs, cluster)
    assert told["part"] == "writes"
    assert told["images_a_second"] == pytest.approx(3500 / (1 + 2 * 0.12), rel=0.01)
    own = program("cluster").seconds_an_image(costs, cluster)
    assert told["workers"] == pytest.approx(told["images_a_second"] * own, rel=0.01)
    assert math.isfinite(told["workers"])
