"""The newest frame wins: whoever is slow, what comes is as new as it can be, and nothing is lost uncounted."""

from __future__ import annotations

import itertools
import socket
import time

import pytest

from liveseg.wire import Layers


def test_of_the_frames_that_come_during_work_the_newest_is_next(service, talk, astronaut, wait_for):
    client = talk(service.address, {})
    client.until("ready")
    before = service.sample("liveseg_frames_dropped_total", kind="live")
    with service.held() as waiting:
        client.frame(astronaut[0], 1)
        wait_for(lambda: waiting() == 1)
        for number in range(2, 8):
            client.frame(astronaut[0], number)
        wait_for(lambda: service.sample("liveseg_frames_dropped_total", kind="live") == before + 5)
        assert waiting() == 1  # one at a time, whatever else comes
        time.sleep(0.1)
    first, second = client.hear(), client.hear()
    assert (first.sequence, second.sequence) == (1, 7)
    assert first.dropped + second.dropped == 5
    assert first.waited_ms > 100 > first.worked_ms or first.worked_ms > 100
    assert second.waited_ms > 90
    with pytest.raises(TimeoutError):
        client.hear(timeout=0.2)


def stuffed(service, talk, picture, frames):
    """A client of overlays of 30 KB that has sent so many frames and read nothing, until its line took no more."""
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    narrow.connect(("127.0.0.1", service.running.port))
    client = talk(service.address, {"output": "overlay", "quality": 100}, sock=narrow, max_queue=1)
    client.until("ready")
    age = "liveseg_frame_age_seconds_count"
    for number in range(1, frames):
        client.frame(picture, number)
        time.sleep(0.02)
    held = service.sample(age, kind="live")
    client.frame(picture, frames)
    time.sleep(0.3)
    assert service.sample(age, kind="live") == held, "the line is not full; what is tested here did not happen"
    return client


def test_a_client_that_does_not_read_finds_the_newest_answer_behind_what_its_line_held(service, talk, astronaut):
    sent = 120
    client = stuffed(service, talk, astronaut[0], sent)
    got = []
    while not got or got[-1].sequence != sent:
        got.append(client.hear(timeout=10))
    numbers = [answer.sequence for answer in got]
    assert numbers == sorted(set(numbers))
    # What is left after the line's own buffers are empty is the newest: one step leaves out most of the frames.
    gaps = [after - before for before, after in itertools.pairwise(numbers)]
    assert max(gaps) > sent // 4
    assert sum(answer.dropped for answer in got) + len(got) == sent


def test_no_answer_by_the_old_options_comes_after_the_new_ones_were_agreed(service, talk, astronaut):
    client = stuffed(service, talk, astronaut[0], 120)
    client.say({"output": "layers"})
    time.sleep(0.3)
    assert client.until("ready")["output"] == "layers"
    client.frame(astronaut[0], 121)
    answer = client.hear()
    assert isinstance(answer, Layers)
    assert answer.sequence == 121


def test_a_client_that_floods_does_not_take_the_turns_of_another(service, talk, astronaut):
    greedy, modest = talk(service.address, {}), talk(service.address, {})
    greedy.until("ready")
    modest.until("ready")
    answered = "liveseg_frame_age_seconds_count"
    number = 0
    modest.frame(astronaut[0], 0)
    before, turns = service.sample(answered, kind="live"), 0
    while turns < 10:
        for _ in range(4):
            number += 1
            greedy.frame(astronaut[0], number)
        try:
            modest.hear(timeout=0.005)
        except TimeoutError:
            continue
        turns += 1
        modest.frame(astronaut[0], turns)
    # Answers of both are counted: in turn, each has half of them.
    assert service.sample(answered, kind="live") - before <= 3 * turns


def test_a_client_that_leaves_during_work_leaves_nothing_behind(service, talk, astronaut, wait_for):
    stays = talk(service.address, {})
    stays.until("ready")
    with service.held() as waiting:
        for _ in range(3):
            client = talk(service.address, {})
            client.until("ready")
            client.frame(astronaut[0], 1)
            count = waiting
            wait_for(lambda count=count: count() >= 1)
            # Without a goodbye, as a browser that was closed or a line that was cut.
            client.socket.socket.shutdown(socket.SHUT_RDWR)
            client.socket.socket.close()
        wait_for(lambda: service.sessions.count == 1)
    stays.frame(astronaut[0], 9)
    assert stays.hear().sequence == 9
    assert service.engine.depth == 0
