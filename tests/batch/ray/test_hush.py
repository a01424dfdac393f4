"""Ray Data is quiet on the terminal, and on nothing else."""

from __future__ import annotations

import io
import logging

import pytest


@pytest.mark.usefixtures("ray_ready")
def test_only_rays_own_words_on_the_terminal_are_dropped(capfd):
    from ray._private.log import PlainRayHandler

    from liveseg.batch.ray_cluster import _hush

    logger, heard = logging.getLogger("ray.data"), io.StringIO()
    # As an application, or pytest, has them on this logger, too.
    own, rays = logging.StreamHandler(heard), PlainRayHandler()
    before = logger.propagate
    logger.propagate = False
    for handler in (own, rays):
        logger.addHandler(handler)
    try:
        _hush()
        logger.warning("a stage has begun")
    finally:
        for handler in (own, rays):
            logger.removeHandler(handler)
        logger.propagate = before
    assert heard.getvalue() == "a stage has begun\n"
    assert "a stage has begun" not in capfd.readouterr().err
