"""`--shard I/N`: every file is in one share, and stays there."""

from __future__ import annotations

import pytest

from liveseg.errors import UsageError
from liveseg.settings.shard import Shard, parse_shard


@pytest.mark.parametrize("count", [1, 2, 7, 100])
def test_every_file_is_in_one_share_and_the_shares_are_about_equal(count):
    names = [f"folder_{number % 13}/photo_{number:05}" for number in range(5000)]
    shares = [[name for name in names if Shard(index, count).holds(name)] for index in range(count)]
    assert sorted(name for share in shares for name in share) == sorted(names)
    expected = len(names) / count
    assert all(abs(len(share) - expected) < 5 * expected**0.5 for share in shares)


def test_a_file_stays_in_its_share():
    """Written down: with another hash, shares of a run that is taken up again by a newer liveseg would be others."""
    names = ["a", "b", "photos/2024/cat", "ä", "\udce4"]
    assert [name for name in names if Shard(1, 3).holds(name)] == ["a", "b", "ä", "\udce4"]


def test_a_share_is_read_as_it_is_written():
    assert parse_shard("3/100") == Shard(3, 100)
    assert str(parse_shard(" 0 / 1 ")) == "0/1"


@pytest.mark.parametrize("text", ["", "3", "a/b", "-1/3", "1/0", "1/3/5", "1.5/3"])
def test_what_is_no_share_is_refused(text):
    with pytest.raises(UsageError, match="like 3/100"):
        parse_shard(text)


@pytest.mark.parametrize("text", ["3/3", "100/100", "7/2"])
def test_a_share_that_there_is_not_says_which_there_are(text):
    count = text.partition("/")[2]
    with pytest.raises(UsageError, match=f"from 0/{count} to {int(count) - 1}/{count}"):
        parse_shard(text)
