from liveseg.weights.patience import Patience


def test_waits_double_with_jitter_up_to_the_longest():
    waits = []
    patience = Patience(first_wait=1.0, longest_wait=10.0, sleep=waits.append)
    for failures in (1, 2, 3, 4, 5, 6, 9):
        patience.wait(failures, None)
    for wait, full in zip(waits[:4], (1, 2, 4, 8), strict=True):
        assert full / 2 <= wait <= full
    assert waits[5:] == [10.0, 10.0]


def test_jitter_differs_from_one_wait_to_the_next():
    waits = []
    patience = Patience(first_wait=1.0, sleep=waits.append)
    for _ in range(20):
        patience.wait(1, None)
    assert len(set(waits)) > 1


def test_what_the_server_asks_for_counts_where_it_is_longer_and_within_the_bound():
    waits = []
    patience = Patience(first_wait=1.0, longest_wait=60.0, sleep=waits.append)
    for asked in (20.0, 0.1, 86_400.0):
        patience.wait(1, asked)
    assert waits[0] == 20.0
    assert 0.5 <= waits[1] <= 1.0
    assert waits[2] == 60.0
