"""The learning rate."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveseg.train.schedule import factor


@given(steps=st.integers(1, 5000), warmup=st.integers(0, 300), schedule=st.sampled_from(["poly", "cosine"]))
def test_it_rises_then_falls_and_is_never_zero(steps, warmup, schedule):
    warmup = min(warmup, steps - 1)
    rates = [factor(step, steps, warmup, schedule) for step in range(steps)]
    assert all(0 < rate <= 1 for rate in rates)
    assert rates[warmup] == 1
    assert rates[:warmup] == sorted(rates[:warmup])
    assert rates[warmup:] == sorted(rates[warmup:], reverse=True)


@pytest.mark.parametrize(("schedule", "half"), [("poly", 0.5**0.9), ("cosine", 0.5)])
def test_the_shapes(schedule, half):
    assert factor(550, 1000, 100, schedule) == pytest.approx(half)
    assert factor(999, 1000, 100, schedule) < 0.003
