"""A worker of a cluster does not run empty between bundles, as one of this machine does not."""

from __future__ import annotations

from functools import partial

import pytest

from liveseg.batch.ray_pool import RayPool


@pytest.mark.long
def test_a_slow_storage_is_asked_for_the_next_bundle_before_it_has_answered_for_this_one(work, two_nodes):
    from stand_in_ahead import SlowStorage

    work.add(*(f"{number:04}" for number in range(24)))
    settings = work.settings(ray=two_nodes.address, min_workers=1, max_workers=1, attempts=1)
    make = partial(SlowStorage, count=24, behind=5)
    with RayPool(settings, "run", make_replica=make) as pool:
        told = [(record.name, record.error) for record in pool.run(work.bundles(3))]
    assert told == [(item.name, None) for item in work.items]
