"""What the tests of `deploy/` share: its folder, and what the service says of itself to Prometheus."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from liveseg.server.metrics import Metrics


@pytest.fixture(scope="session")
def repository() -> Path:
    return Path(__file__).parents[2]


@pytest.fixture(scope="session")
def deploy(repository) -> Path:
    return repository / "deploy"


@pytest.fixture(scope="session")
def read_yaml(deploy):
    """`read_yaml(place)`: a file of `deploy/`."""
    return lambda place: yaml.safe_load((deploy / place).read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def told() -> dict[str, set[str]]:
    """Each time series that `/metrics` has once everything has happened, with the names of its labels."""
    metrics = Metrics()
    metrics.request("/v1/segment", "POST", 200, 0.1)
    metrics.stage("network", 0.01)
    metrics.queue(1)
    metrics.batch(1)
    metrics.frame("live", 0.1)
    metrics.dropped("live")
    metrics.live(1)
    metrics.stream("door", "live")
    metrics.jobs({"running": 1})
    metrics.model("lite", "ready", 1000)
    series: dict[str, set[str]] = {}
    for family in metrics.registry.collect():
        for sample in family.samples:
            series.setdefault(sample.name, set()).update(sample.labels)
    return series
