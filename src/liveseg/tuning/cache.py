"""Measurements kept in liveseg's cache: one file a machine, set of versions, source size and set-up of the line."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from liveseg.errors import LivesegError
from liveseg.files import atomic_write
from liveseg.tuning.cost import EngineCost, LineCost
from liveseg.weights.home import HOME_VARIABLE, home

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from liveseg.tuning.engines import Engine

_SCHEMA = 2


@dataclass
class Measurement:
    """What was measured here, for one way of running the line.

    Args:
        rest: what everything but the network costs.
        engines: what each network costs, by `Engine.key`.
        taken: when, in seconds since 1970.
    """

    rest: LineCost
    engines: dict[str, EngineCost] = field(default_factory=dict)
    taken: float = field(default_factory=time.time)

    def knows(self, engine: Engine) -> bool:
        """Whether it says something of a network."""
        return engine.key in self.engines


def cache_file(key: Mapping[str, Any]) -> Path:
    """Where the measurement for a key lies, or would lie."""
    digest = hashlib.sha256(_canonical(key).encode()).hexdigest()
    return home() / "tuning" / f"{digest[:24]}.json"


def recall(key: Mapping[str, Any]) -> Measurement | None:
    """The measurement for a key; `None` where there is none, or none that can be read."""
    try:
        record = json.loads(cache_file(key).read_text(encoding="utf-8"))
        if record["schema"] != _SCHEMA or _canonical(record["key"]) != _canonical(key):
            return None
        engines = {str(name): EngineCost.from_json(engine) for name, engine in record["engines"].items()}
        return Measurement(LineCost.from_json(record["rest"]), engines, float(record["taken"]))
    except (OSError, KeyError, TypeError, AttributeError, ValueError):
        # Whatever is wrong with it, measuring again puts it right. LivesegError of a contract is a ValueError.
        return None


def keep(key: Mapping[str, Any], measurement: Measurement) -> str | None:
    """Write a measurement to the cache; where that fails, the answer says why, and the next run measures again."""
    record = {
        "schema": _SCHEMA,
        "key": dict(key),
        "taken": measurement.taken,
        "rest": asdict(measurement.rest),
        "engines": {name: engine.to_json() for name, engine in measurement.engines.items()},
    }
    try:
        with atomic_write(cache_file(key), overwrite=True) as partial:
            partial.write_text(json.dumps(record, indent=1), encoding="utf-8")
    except LivesegError:
        folder = cache_file(key).parent
        return f"nothing can be written to {folder}, so the next run measures again; name another by {HOME_VARIABLE}"
    return None


def _canonical(key: Mapping[str, Any]) -> str:
    return json.dumps(key, sort_keys=True)
