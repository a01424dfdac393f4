from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveseg.timing import Rate, Samples, StageTimes


@given(st.lists(st.floats(0, 10), min_size=1, max_size=300), st.sampled_from([0, 50, 95, 100]))
def test_percentiles_of_few_samples_are_exact(values, percent):
    samples = Samples()
    for value in values:
        samples.add(value)
    assert samples.percentile(percent) == pytest.approx(np.percentile(values, percent))
    assert samples.mean == pytest.approx(np.mean(values))


def test_many_samples_keep_bounded_memory_and_a_true_median():
    samples = Samples()
    for value in range(100_000):
        samples.add(value)
    assert samples.count == 100_000
    assert samples.mean == pytest.approx(49_999.5)
    assert len(samples._kept) <= 4096
    # The reservoir must hold early and late values alike: its median is that of all.
    assert samples.percentile(50) == pytest.approx(50_000, rel=0.05)


def test_no_samples_are_zero_and_not_an_error():
    assert Samples().mean == 0.0
    assert Samples().percentile(95) == 0.0


def test_a_rate_counts_intervals_not_stamps():
    rate = Rate(span=10)
    assert rate.tick(0.0) == 0.0
    assert rate.tick(0.5) == pytest.approx(2.0)
    assert rate.tick(1.0) == pytest.approx(2.0)


def test_a_rate_forgets_what_lies_beyond_its_span():
    rate = Rate(span=2)
    for now in (0.0, 10.0, 11.0):
        rate.tick(now)
    assert rate.tick(12.0) == pytest.approx(1.0)


def test_a_stage_that_fails_is_measured_too():
    times = StageTimes()
    with pytest.raises(ValueError, match="broken"), times.measure("infer"):
        raise ValueError("broken")
    assert list(times.milliseconds()) == ["infer"]
