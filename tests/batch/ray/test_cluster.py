"""Joining clusters, leaving them, and what is said where that cannot be."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from liveseg.batch import ray_actor
from liveseg.batch.ray_cluster import ClusterError, in_words
from liveseg.batch.ray_pool import RayPool
from liveseg.errors import LivesegError


@pytest.mark.long
def test_with_the_object_store_nearly_full_the_run_goes_on(work, two_nodes):
    import numpy as np
    import ray

    ray.init(address=two_nodes.address, log_to_driver=False)
    try:
        node = ray.get_runtime_context().get_node_id()
        store = next(one for one in ray.nodes() if one["NodeID"] == node)["Resources"]["object_store_memory"]
        ballast = [ray.put(np.zeros(int(store * 0.93), np.uint8))]
        work.add(*(f"f{number}" for number in range(40)))
        settings = work.settings(ray=two_nodes.address, min_workers=2, max_workers=2)
        with RayPool(settings, "run", make_replica=work.replica()) as pool:
            assert len(list(pool.run(work.bundles(4)))) == 40
        work.check()
        # It joined nobody, so it leaves nobody.
        assert ray.is_initialized()
        assert ray.get(ballast[0]).nbytes > 0.9 * store
    finally:
        ray.shutdown()


@pytest.mark.long
def test_workers_stay_between_runs_and_come_as_they_are_needed(work, two_nodes):
    work.add(*(f"f{number}" for number in range(40)))
    settings = work.settings(ray=two_nodes.address, min_workers=1, max_workers=2)
    with RayPool(settings, "run", make_replica=work.replica(0.1), ticket_seconds=1.0) as pool:
        assert pool.workers == 0
        assert len(list(pool.run(iter(())))) == 0
        seen = 0
        for _ in pool.run(work.bundles(1)):
            seen = max(seen, pool.workers)
        assert seen == 2
        before = {actor for _, actor in work.busy()}
        assert len(list(pool.run(work.bundles(4)))) == 40
        assert {actor for _, actor in work.busy()} == before
    work.check()


@pytest.mark.long
def test_a_stop_finishes_what_runs(work, two_nodes):
    work.add(*(f"f{number:03}" for number in range(200)))
    settings = work.settings(ray=two_nodes.address, min_workers=2, max_workers=2)
    with RayPool(settings, "run", make_replica=work.replica(0.05)) as pool:
        records = []
        for record in pool.run(work.bundles(4)):
            records.append(record)
            if len(records) == 10:
                pool.stop()
    assert 10 <= len(records) < 60
    done = {path.stem for path in work.out.glob("*.bin")}
    assert done == {record.name for record in records} == set(work.begun())


@pytest.mark.long
def test_other_versions_on_the_workers_are_refused_in_words(work, two_nodes, monkeypatch):
    monkeypatch.setattr(ray_actor, "versions", lambda: {"liveseg": "0.0.1", "Python": "3.99"})
    work.add("f")
    settings = work.settings(ray=two_nodes.address)
    with (
        RayPool(settings, "run", make_replica=work.replica()) as pool,
        pytest.raises(ClusterError, match=r"has liveseg .*, this machine 0\.0\.1; use the same image"),
    ):
        list(pool.run(work.bundles(1)))


@pytest.mark.long
def test_what_no_worker_can_do_is_raised_as_the_worker_said_it(work, two_nodes, tmp_path):
    work.add("f")
    settings = work.settings(ray=two_nodes.address, weights=tmp_path / "nowhere.pth")
    with RayPool(settings, "run") as pool, pytest.raises(LivesegError, match=r"nowhere\.pth"):
        list(pool.run(work.bundles(1)))


@pytest.mark.long
def test_an_error_of_the_listing_ends_the_run(work, two_nodes):
    def bundles():
        yield from work.bundles(1)
        raise ValueError("the list is torn")

    work.add("f")
    settings = work.settings(ray=two_nodes.address)
    with RayPool(settings, "run", make_replica=work.replica()) as pool, pytest.raises(ValueError, match="torn"):
        list(pool.run(bundles()))


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("127.0.0.1:9", r"no Ray cluster answers at 127\.0\.0\.1:9: Connection refused"),
        ("nowhere", "HOST:PORT, auto or local"),
        ("ray://127.0.0.1:9", "ray job submit"),
    ],
)
def test_no_cluster_at_the_address(work, address, words):
    with RayPool(work.settings(ray=address), "run") as pool, pytest.raises(LivesegError, match=words):
        list(pool.run(work.bundles(1)))


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("RaySystemError\n  ModuleNotFoundError: No module named 'liveseg'", "cannot import liveseg; its image needs"),
        ("one\ntwo\n\n", "Ray gave up: two"),
        ("", "Ray gave up: RuntimeError"),
    ],
)
def test_failures_of_ray_in_one_line(said, words):
    assert words in in_words(RuntimeError(said))


RUN = """
import json, sys
sys.path.insert(0, sys.argv[4])
from functools import partial
from pathlib import Path
from ray_stand_in import StandIn
from liveseg.batch.drive import drive
from liveseg.batch.ray_pool import RayPool
from liveseg.settings import BatchSettings

if __name__ == "__main__":
    address, inputs, out = sys.argv[1:4]
    make = partial(StandIn, deeds=sys.argv[5], seconds=0.1)
    settings = BatchSettings(out=out, ray=address, min_workers=2, max_workers=2, bundle=3)
    report = drive(settings, [inputs], executor=lambda settings, run: RayPool(settings, run, make_replica=make))
"""


def driver(work, address):
    here = str(Path(__file__).parent)
    command = [sys.executable, "-c", RUN, address, str(work.inputs), str(work.out), here, str(work.deeds)]
    # As a user starts it, whom nobody has told how Ray is kept quiet.
    env = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)


@pytest.mark.long
def test_the_driver_is_killed_and_resumed(work, two_nodes):
    work.add(*(f"f{number:03}" for number in range(60)))
    first = driver(work, two_nodes.address)
    work.when_begun(12, lambda: os.kill(first.pid, signal.SIGKILL)).join()
    first.communicate()
    assert first.returncode == -signal.SIGKILL
    # The workers of a driver that is gone end by themselves.
    until = time.monotonic() + 30
    while any(Path(f"/proc/{pid}").exists() for pid, _ in work.busy()) and time.monotonic() < until:
        time.sleep(0.1)
    assert not any(Path(f"/proc/{pid}").exists() for pid, _ in work.busy())
    before = work.begun().total()
    assert before < 60
    second = driver(work, two_nodes.address)
    out, err = second.communicate(timeout=200)
    assert second.returncode == 0, err
    assert (out, err) == ("", "")  # nothing of Ray's
    work.check()
    # It did what was left, and again at most what two workers had in hand.
    assert work.begun().total() <= 60 + 12


@pytest.mark.long
def test_a_cluster_started_for_a_run_is_quiet_and_ends_with_it(work, tmp_path):
    work.add(*(f"f{number:03}" for number in range(12)))
    run = driver(work, "local")
    out, err = run.communicate(timeout=200)
    assert (run.returncode, out, err) == (0, "", "")
    work.check()
    left = [place for place in Path("/proc").iterdir() if place.name.isdigit() and f"_{run.pid}/" in cmdline(place)]
    assert left == []


def cmdline(place):
    try:
        return (place / "cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def test_the_command_on_a_cluster(run_liveseg, samples, two_nodes, tmp_path):
    out = tmp_path / "out"
    answer = run_liveseg(
        "batch", samples / "image_1.jpg", samples / "image_2.jpg", "--out", out, "--ray", two_nodes.address,
        "--save", "mask", "--size", "65", "--json", timeout=200,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    assert all(json.loads(line) for line in answer.stdout.splitlines())
    assert len(list(out.glob("image_*"))) == 2
