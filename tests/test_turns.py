from __future__ import annotations

import threading
import time

import pytest

from liveseg.turns import InOrder, Turns


def waits(turns, count):
    """Wait until so many threads wait for their turn."""
    until = time.monotonic() + 10
    while len(turns._waiting) < count:
        assert time.monotonic() < until, "nobody came"
        time.sleep(0.001)


def test_turns_are_had_in_the_order_of_arrival():
    turns, order = Turns(1), []

    def come(name):
        with turns.turn():
            order.append(name)

    with turns.turn():
        threads = []
        for name in range(8):
            threads.append(threading.Thread(target=come, args=(name,)))
            threads[-1].start()
            waits(turns, name + 1)
    for thread in threads:
        thread.join()
    assert order == list(range(8))


def test_who_comes_back_at_once_stands_behind_who_waits():
    turns, order = Turns(1), []

    def often():
        for _ in range(3):
            with turns.turn():
                order.append("often")
                waits(turns, 1) if len(order) == 1 else None

    def once():
        with turns.turn():
            order.append("once")

    threads = [threading.Thread(target=often), threading.Thread(target=once)]
    threads[0].start()
    while not order:
        time.sleep(0.001)
    threads[1].start()
    for thread in threads:
        thread.join()
    assert order == ["often", "once", "often", "often"]


@pytest.mark.parametrize("places", [1, 3])
def test_no_more_have_a_turn_than_there_are_places(places):
    turns, inside, most = Turns(places), [], []

    def come():
        with turns.turn():
            inside.append(None)
            most.append(len(inside))
            time.sleep(0.002)
            inside.pop()

    threads = [threading.Thread(target=come) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == places


def test_a_turn_that_fails_is_given_back():
    turns = Turns(1)
    with pytest.raises(ValueError, match="broken"), turns.turn():
        raise ValueError("broken")
    with turns.turn():
        assert turns._free == 0


def test_numbers_go_through_in_order_whoever_comes_first():
    gate, order = InOrder(), []

    def come(number):
        with gate.turn(number) as holds:
            order.append((number, holds))

    threads = [threading.Thread(target=come, args=(number,)) for number in (3, 1, 2)]
    for thread in threads:
        thread.start()
    come(0)
    for thread in threads:
        thread.join(10)
    assert order == [(0, True), (1, True), (2, True), (3, True)]
    come(2)  # has had its turn and is not kept waiting


def test_an_opened_order_keeps_nobody_waiting():
    gate, seen = InOrder(), []

    def come():
        with gate.turn(7) as holds:
            seen.append(holds)

    thread = threading.Thread(target=come)
    thread.start()
    gate.open()
    thread.join(10)
    assert seen == [False]
