"""What the tests of `deploy/` share: its folder, the Dockerfile's stages, and what the service tells Prometheus."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from liveseg.server.metrics import Metrics


@dataclass
class Stage:
    """A stage of the Dockerfile: its instructions, with continued lines joined."""

    name: str
    lines: list[tuple[str, str]] = field(default_factory=list)

    def of(self, word):
        return [rest for name, rest in self.lines if name == word]


def stages(text):
    text = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    found: list[Stage] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            found.append(Stage(rest.partition(" AS ")[2] or "image"))
        elif found:
            found[-1].lines.append((word, rest.strip()))
    return {stage.name: stage for stage in found}


@pytest.fixture(scope="session")
def repository() -> Path:
    return Path(__file__).parents[2]


@pytest.fixture(scope="session")
def deploy(repository) -> Path:
    return repository / "deploy"


@pytest.fixture(scope="session")
def dockerfile(deploy) -> dict[str, Stage]:
    """The Dockerfile's stages by their names; the last one, which has none, is `image`."""
    return stages((deploy / "Dockerfile").read_text(encoding="utf-8"))


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


@pytest.fixture(scope="session")
def batch_settings():
    """`batch_settings(words)`: what `liveseg batch …` is told by them, read by the command itself."""
    import typer

    from liveseg.cli.app import app
    from liveseg.settings import about
    from liveseg.settings.batch import BatchSettings

    def read(words):
        program, name, *rest = words
        assert (program, name) == ("liveseg", "batch")
        command = typer.main.get_command(app).commands[name]
        given = command.make_context(name, list(rest)).params
        chosen = {own.name: given[own.name] for own, _ in about(BatchSettings)}
        repeated = {own.name: tuple(chosen[own.name] or ()) for own, told in about(BatchSettings) if told.repeat}
        return BatchSettings(**chosen | repeated)

    return read
