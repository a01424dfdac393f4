"""Tickets are good for one path and a while, and cannot be made by others."""

from __future__ import annotations

import pytest

from liveseg.server.security.tickets import LONGEST, Tickets


class Clock:
    now = 1_800_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def tickets(clock):
    return Tickets(clock)


def test_it_is_good_for_its_path_until_its_time_is_over(tickets, clock):
    ticket = tickets.issue("/v1/videos/a/result", 60)
    clock.now += 59
    assert tickets.valid("/v1/videos/a/result", ticket)
    assert not tickets.valid("/v1/videos/b/result", ticket)
    clock.now += 2
    assert not tickets.valid("/v1/videos/a/result", ticket)


def test_its_time_cannot_be_changed(tickets):
    ends, _, signature = tickets.issue("/v1/a", 1).partition(".")
    assert not tickets.valid("/v1/a", f"{int(ends) + 9999}.{signature}")


def test_another_service_does_not_know_it(tickets, clock):
    assert not Tickets(clock).valid("/v1/a", tickets.issue("/v1/a", 60))


def test_none_is_good_for_ever(tickets, clock):
    ticket = tickets.issue("/v1/a", 1e12)
    clock.now += LONGEST + 1
    assert not tickets.valid("/v1/a", ticket)


@pytest.mark.parametrize("text", ["", ".", "1", "x.y", "9" * 400 + ".x", "²³.x", "1800000100.", "1800000100.ü\udc80"])
def test_nonsense_is_no_ticket(tickets, text):
    assert not tickets.valid("/v1/a", text)
