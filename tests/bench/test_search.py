"""The search for the most that is held."""

from __future__ import annotations

from math import log2

from hypothesis import given
from hypothesis import strategies as st

from liveseg.bench.search import most_that_holds


@given(st.integers(0, 300), st.integers(1, 256))
def test_it_finds_the_most_with_few_questions_and_none_twice(truth, most):
    asked = []

    def holds(count):
        asked.append(count)
        return count <= truth

    assert most_that_holds(holds, most) == min(truth, most)
    assert all(1 <= count <= most for count in asked)
    assert len(asked) == len(set(asked)) <= 2 * log2(most) + 2
