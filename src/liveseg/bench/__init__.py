"""How fast liveseg is here: `liveseg bench`, its measurements and its results.

One file an idea: `combination` (what is measured), `session` (in which order), `child` and `worker` (each measurement
in a process of its own), `line`, `network`, `limit`, `baseline`, `agreement`, `flicker`, `drawing`, `streams` (the
measurements), `summary` (their statistics), `result` (the record, and `load_result`), `table` and `plot` (how it is
shown).
"""

from __future__ import annotations

from liveseg.bench.result import BenchResult, load_result

__all__ = ["BenchResult", "load_result"]
