"""Counts, rates, the queue on disk, and how many files go together."""

from __future__ import annotations

import threading
import tracemalloc
from dataclasses import replace

import pytest

from liveseg.batch.attempts import judged, key_of, pause_before_again
from liveseg.batch.bundles import Sizes
from liveseg.batch.failures import PASSING
from liveseg.batch.progress import Counts, Speed, record_event
from liveseg.batch.records import Item, Piece, Record, Task
from liveseg.batch.spool import Spool
from liveseg.cli.batch_progress import progress_line

ITEM = Item(location="/photos/a.jpg", name="a", kind="image")


def record(**about):
    own = {"identifier": ITEM.identifier, "location": ITEM.location, "name": "a", "kind": "image", "status": "done"}
    return Record(**(own | about))


def test_counts_add_up():
    counts = Counts(listed=10, before=2, left=1, complete=True)
    counts.add(record(frames=1, pixels=100, bytes_in=5, bytes_out=7))
    counts.add(record(kind="video", status="part", piece=0, pieces=2, frames=50, pixels=5_000))
    counts.add(record(kind="video", pieces=2, frames=99, pixels=9_900, bytes_out=3))
    counts.add(record(status="failed", error_kind="unreadable", bytes_in=11))
    counts.done += 2
    counts.failed["unreadable"] += 1
    assert (counts.frames, counts.pixels) == (51, 5_100), "a joined video's frames were counted as its pieces'"
    assert (counts.bytes_in, counts.bytes_out, counts.pieces) == (16, 10, 1)
    assert (counts.finished, counts.to_do) == (3, 4)
    assert counts.to_json()["failures"] == {"unreadable": 1}


def test_the_remaining_time_is_known_once_the_listing_is_complete():
    speed, counts = Speed(), Counts(listed=30)
    began = speed._seen[0][0]
    counts.done, counts.pixels = 10, 20_000_000
    speed.take(counts, began + 5)
    assert (speed.files, speed.megapixels) == pytest.approx((2, 4))
    assert speed.remaining(counts) is None
    counts.complete = True
    assert speed.remaining(counts) == pytest.approx(10)
    for second in range(6, 200):  # half as fast for a while
        counts.done = 10 + (second - 5)
        speed.take(counts, began + second)
    assert speed.files == pytest.approx(1, rel=0.05), "the rate is of late, not of all time"


def test_the_line_says_what_is_known():
    assert progress_line(Counts(), Speed()) == "0 of 0 found so far · starting workers"
    counts = Counts(listed=1_200, before=100, done=1, workers=2)
    counts.failed["unreadable"] = 2
    speed = Speed()
    assert progress_line(counts, speed) == "3 of 1,100 found so far · 2 workers · failed: 2 unreadable"
    counts.complete = True
    speed.take(counts, speed._seen[0][0] + 1)
    assert progress_line(counts, speed) == (
        "3 of 1,100 · 3.00 files/s · 6:06 left · 2 workers · failed: 2 unreadable"
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["unreadable", "storage"])
def test_events_of_failures_say_whether_the_next_run_tries_again(kind):
    event = record_event(record(status="failed", error="/photos/a.jpg: no", error_kind=kind, attempts=3))
    assert event["event"] == "failed"
    assert event["tried_again_next_time"] is (kind in PASSING)
    assert (event["error"], event["attempts"]) == ("/photos/a.jpg: no", 3)


def test_events_of_what_is_done():
    whole = record_event(record(outputs=("a.png",), seconds={"total": 0.5}, frames=1))
    assert (whole["event"], whole["outputs"], whole["seconds"]) == ("item", ["a.png"], 0.5)
    piece = record_event(record(status="part", kind="video", piece=1, pieces=3))
    assert (piece["event"], piece["piece"], piece["pieces"]) == ("piece", 1, 3)


@pytest.mark.parametrize("task", [Task(ITEM), Task(ITEM, Piece(1, 3, 0.0, 1.0)), Task(ITEM, join=3)])
def test_a_record_leads_back_to_its_task(task):
    piece = task.piece
    about = {"piece": piece.index, "pieces": piece.count} if piece else {"pieces": task.join or None}
    assert key_of(record(**about)) == task.key


def test_which_tasks_are_tried_again():
    task = Task(ITEM, attempt=3)
    assert judged([task], 3, alone=True) == ([], [task])
    assert judged([task], 3, alone=False) == ([replace(task, attempt=4)], [])
    assert judged([task], 4, alone=True) == ([replace(task, attempt=4)], [])
    failed = record(status="failed", error_kind="storage")
    assert pause_before_again(task, failed, 3) is None
    assert pause_before_again(task, failed, 4) == 4 * pause_before_again(replace(task, attempt=1), failed, 4) > 0
    assert pause_before_again(task, record(), 9) is None
    assert pause_before_again(task, record(status="failed", error_kind="unreadable"), 9) is None


def test_the_queue_keeps_its_order_whatever_its_length():
    spool = Spool(chunk=3)
    wanted, taken = iter(range(10_000)), []
    for put, got in ((2, 1), (10, 4), (1, 7), (40, 3), (0, 30), (5, 13), (7, 7)):
        for _ in range(put):
            spool.put(next(wanted))
        taken += [spool.get(0) for _ in range(min(got, spool.length))]
    assert spool.get(0) is None
    assert taken == list(range(65))
    spool.end()
    assert spool.complete
    spool.close()


def test_the_queue_wakes_who_waits_and_raises_what_ended_it_after_all_else():
    spool = Spool(chunk=2)
    thread = threading.Timer(0.1, lambda: [spool.put(number) for number in range(5)] + [spool.end(KeyError("cut"))])
    thread.start()
    assert [spool.get(20) for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(KeyError, match="cut"):
        spool.get(20)
    thread.join()
    spool.close()


def test_the_queue_takes_no_more_memory_for_more_entries():
    def most(count):
        spool = Spool()
        tracemalloc.start()
        try:
            for number in range(count):
                spool.put(Item(location=f"s3://bucket/folder/{number:09}.jpg", name=f"{number:09}", kind="image"))
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            assert spool.length == count
            spool.close()

    few, many = most(3_000), most(30_000)
    assert many < 1.2 * few


def test_bundles_grow_to_some_seconds_of_work_and_shrink_at_the_end():
    sizes = Sizes()
    assert 1 < sizes.size(None, 2) <= 8
    for _ in range(30):
        sizes.take(record(seconds={"total": 0.01}))
    assert 100 <= sizes.size(None, 2) <= 200
    assert sizes.size(40, 2) == 10
    assert sizes.size(1, 8) == 1
    sizes.take(record(kind="video", seconds={"total": 900.0}))
    sizes.take(record())
    assert 100 <= sizes.size(None, 2) <= 200, "videos and what was not timed say nothing of pictures"
    for _ in range(60):
        sizes.take(record(seconds={"total": 5.0}))
    assert sizes.size(None, 2) == 1
    assert Sizes(7).size(3, 2) == 7


def test_what_overlaps_does_not_make_bundles_small():
    """Storage is waited for several files at a time: a worker does more of them than their own times would say."""

    def size(**seconds):
        sizes = Sizes()
        sizes.take(record(seconds=seconds))
        return sizes.size(None, 2)

    assert size(total=0.45, fetch=0.2, commit=0.2) == 26
    assert size(total=1.25, fetch=0.2, commit=1.0) == 6
    assert size(total=4.0, fetch=2.0, commit=2.0) == 3
    assert size(total=1.5, fetch=0.25, commit=0.25) == 1, "what it computes does not wait for others"
