"""Processes of a cluster are killed in the middle of a run: nothing is lost, and nothing is in the manifest twice."""

from __future__ import annotations

import os
import signal
from collections import Counter

import pytest

from liveseg.batch.ray_cluster import ClusterError
from liveseg.batch.ray_pool import RayPool


def run(work, nodes, *, size=4, seconds=0.02, **options):
    settings = work.settings(ray=nodes.address, min_workers=2, max_workers=2)
    with RayPool(settings, "run", make_replica=work.replica(seconds), **options) as pool:
        return list(pool.run(work.bundles(size)))


def names(count):
    return [f"f{number:03}" for number in range(count)]


def test_a_poison_file_kills_its_worker_process_and_nothing_else(work, two_nodes):
    work.add(*names(20), "poison", *(f"g{number}" for number in range(20)))
    records = run(work, two_nodes, size=5)
    assert Counter(record.name for record in records).most_common(1)[0][1] == 1
    work.check(lost=["poison"])
    assert work.begun()["poison"] == 3
    # The file's worker was replaced, in the same actor; the run went on with both.
    assert len({actor for _, actor in work.busy()}) == 2


def test_a_worker_process_is_killed(work, two_nodes):
    work.add(*names(60))
    killer = work.when_begun(10, lambda: os.kill(work.busy()[0][0], signal.SIGKILL))
    records = run(work, two_nodes, seconds=0.1)
    killer.join()
    assert len(records) == 60
    work.check()
    assert len(work.busy()) == 3


@pytest.mark.long
def test_an_actor_is_killed_and_replaced(work, two_nodes):
    work.add(*names(80))
    killer = work.when_begun(10, lambda: os.kill(work.busy()[0][1], signal.SIGKILL))
    run(work, two_nodes, seconds=0.1)
    killer.join()
    work.check()
    assert len({actor for _, actor in work.busy()}) == 3
    # What the actor had in hand ran again, and that was not much.
    assert 80 < work.begun().total() <= 80 + 12


@pytest.mark.long
def test_a_file_that_kills_its_actor_each_time_is_given_up(work, two_nodes):
    work.add(*names(6), "venom", *(f"g{number}" for number in range(6)))
    run(work, two_nodes, size=3)
    work.check(lost=["venom"])
    assert work.begun()["venom"] == 3


def test_a_machine_is_killed_and_its_bundles_run_elsewhere(work, two_nodes):
    work.add(*names(60))
    killer = work.when_begun(10, two_nodes.kill)
    run(work, two_nodes, seconds=0.1)
    killer.join()
    work.check()
    assert work.begun().total() > 60


@pytest.mark.long
def test_without_a_machine_left_the_run_ends_and_says_what_to_do(work, nodes):
    nodes.want(2)
    work.add(*names(400))

    def kill_both():
        nodes.kill()
        nodes.kill()

    killer = work.when_begun(10, kill_both)
    with pytest.raises(ClusterError, match=r"no machine of the Ray cluster had the 1 CPUs of a worker; add machines"):
        run(work, nodes, seconds=0.1, patience=3)
    killer.join()
    # Another run does the rest.
    done = {path.stem for path in work.out.glob("*.bin")}
    assert 0 < len(done) < 400
