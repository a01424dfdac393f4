"""Runs on shares of the files beside each other, and never beside a run on all of them."""

from __future__ import annotations

import time
from contextlib import ExitStack

import pytest

from liveseg.batch.manifest import DestinationBusyError, Lock
from liveseg.batch.manifest.holder import Holder
from liveseg.settings.shard import Shard


@pytest.fixture(params=[True, False], ids=["disk", "store"])
def place(request, memory_place):
    return memory_place(appends=request.param)


def left_behind(place, folder, *, seconds):
    """What a run on another machine left that was killed."""
    holder = Holder(owner="dead", host="elsewhere", process=1, nonce="n", since=0.0, seconds=seconds, beat=3)
    place.files[f"_liveseg/{folder}/000001.json"] = holder.to_json()


def test_shares_hold_a_destination_together(place):
    with ExitStack() as stack:
        locks = [stack.enter_context(Lock(place, f"share {index}", share=Shard(index, 3))) for index in range(3)]
        for lock in locks:
            lock.check()
    with Lock(place, "whole") as lock:
        lock.check()


def test_a_share_is_held_by_one(place):
    with (
        Lock(place, "first", share=Shard(1, 3)) as lock,
        pytest.raises(DestinationBusyError, match="written by first"),
    ):
        Lock(place, "second", share=Shard(1, 3)).__enter__()
    assert not lock.lost


@pytest.mark.parametrize(
    ("held", "wanted"),
    [(None, Shard(0, 3)), (Shard(2, 3), None), (Shard(0, 3), Shard(0, 4)), (Shard(0, 3), Shard(1, 4))],
    ids=["all, a share", "a share, all", "of another number", "of another number, another"],
)
def test_what_would_do_the_same_files_is_refused_and_leaves_the_holder_alone(place, held, wanted):
    with Lock(place, "first", share=held) as lock:
        with pytest.raises(DestinationBusyError, match="written by first"):
            Lock(place, "second", share=wanted).__enter__()
        lock.check()
    # What was refused has given back what it had claimed.
    with Lock(place, "second", share=wanted) as lock:
        lock.check()


def test_shares_that_died_are_waited_for_beside_each_other(place):
    for index in range(8):
        left_behind(place, f"shares/9/{index}", seconds=0.6)
    began = time.monotonic()
    with Lock(place, "whole", seconds=3600):
        assert 0.6 <= time.monotonic() - began < 8 * 0.6


def test_a_share_waits_for_a_whole_run_that_died(place):
    left_behind(place, "lock", seconds=0.6)
    began = time.monotonic()
    with Lock(place, "share", seconds=3600, share=Shard(0, 2)):
        assert time.monotonic() - began >= 0.6
