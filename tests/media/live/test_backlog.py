"""What is behind leaves packets out until it has caught up."""

from liveseg.media.live.backlog import Backlog


def asked(backlog, packets):
    """What a backlog says to packets `(waited, time, key frame)`."""
    return [backlog.skips(waited, now, key_frame=key) for waited, now, key in packets]


def test_what_has_to_wait_for_packets_now_and_then_leaves_none_out():
    backlog = Backlog()
    packets = [(0.03 if number % 20 == 0 else 0.0, number * 0.04, False) for number in range(500)]
    assert not any(asked(backlog, packets))


def test_what_never_has_to_wait_leaves_packets_out_until_it_has_and_a_key_frame_comes():
    backlog = Backlog()
    slow = [(0.0, number * 0.1, False) for number in range(12)]
    assert asked(backlog, slow) == [False] * 11 + [True]
    assert asked(backlog, [(0.0, 1.2, True)]) == [True]  # still behind
    assert asked(backlog, [(0.02, 1.3, False), (0.0, 1.31, False)]) == [True, True]
    assert asked(backlog, [(0.0, 1.32, True)]) == [False]
    assert backlog.resumed
    assert asked(backlog, [(0.0, 1.33, False)]) == [False]
    assert not backlog.resumed


def test_a_stream_without_key_frames_goes_on_all_the_same():
    backlog = Backlog()
    asked(backlog, [(0.0, number * 0.1, False) for number in range(12)])
    assert asked(backlog, [(0.02, 1.2, False), (0.02, 10.0, False)]) == [True, True]
    assert asked(backlog, [(0.02, 11.3, False)]) == [False]
