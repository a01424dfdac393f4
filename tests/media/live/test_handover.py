"""The newest item, or each in its turn; and nobody waits for somebody who has gone."""

import threading
import time

import pytest

from liveseg.media.live.handover import Handover

FOREVER = 60


def in_thread(call, *arguments):
    thread = threading.Thread(target=call, args=arguments, daemon=True)
    thread.start()
    return thread


def test_the_newest_item_takes_the_place_of_older_ones():
    handover = Handover()
    for number in range(5):
        handover.put(number)
    assert handover.take(FOREVER) == 4
    assert handover.take(0.01) is None
    assert not handover.over


def test_with_places_everything_comes_in_order_and_the_reader_waits():
    handover = Handover(places=2)
    put = []

    def read():
        for number in range(6):
            handover.put(number)
            put.append(number)
        handover.finish()

    thread = in_thread(read)
    time.sleep(0.2)
    assert put == [0, 1]
    assert [handover.take(FOREVER) for _ in range(6)] == list(range(6))
    thread.join(FOREVER)
    assert handover.take(FOREVER) is None
    assert handover.over


def test_what_was_put_before_the_end_is_still_taken():
    handover = Handover()
    handover.put("last")
    handover.finish()
    assert not handover.over
    assert handover.take(FOREVER) == "last"
    assert handover.over


def test_an_error_comes_after_the_items_before_it_and_once():
    handover = Handover(places=2)
    handover.put("good")
    handover.finish(KeyError("bad"))
    assert handover.take(FOREVER) == "good"
    assert not handover.over
    with pytest.raises(KeyError, match="bad"):
        handover.take(FOREVER)
    assert handover.over
    assert handover.take(FOREVER) is None


@pytest.mark.parametrize("how", ["finish", "end"])
def test_whoever_waits_for_an_item_is_woken_by_the_end(how):
    handover = Handover()
    taken = []
    thread = in_thread(lambda: taken.append(handover.take(FOREVER)))
    time.sleep(0.1)
    getattr(handover, how)()
    thread.join(10)
    assert not thread.is_alive()
    assert taken == [None]


def test_a_reader_that_waits_for_a_place_is_let_go_by_the_end():
    handover = Handover(places=1)
    handover.put(0)
    thread = in_thread(handover.put, 1)
    time.sleep(0.1)
    assert thread.is_alive()
    handover.end()
    thread.join(10)
    assert not thread.is_alive()
    assert handover.take(FOREVER) is None
    assert handover.over


def test_an_error_after_the_end_concerns_nobody():
    handover = Handover()
    handover.end()
    handover.finish(KeyError("too late"))
    assert handover.take(FOREVER) is None


def test_taking_waits_no_longer_than_asked():
    began = time.monotonic()
    assert Handover().take(0.1) is None
    assert 0.1 <= time.monotonic() - began < 10
