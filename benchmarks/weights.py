"""The same network for both sides of a comparison: a file's weights, or random ones where none can be had."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from liveseg.bench.random_weights import write_random_weights
from liveseg.models.build import build
from liveseg.models.checkpoint import load_into, load_state
from liveseg.weights.locate import bundled

if TYPE_CHECKING:
    from liveseg.models.network import SegmentationNetwork


def network_with_weights(name: str, weights: str | None) -> SegmentationNetwork:
    """The network `name` with the weights of a file; `lite` without a file has its own."""
    network = build(name)
    path = weights or (str(bundled("lite", "safetensors")) if name == "lite" else None)
    if path is None:
        raise SystemExit(f"{name} needs --weights; `python benchmarks/weights.py {name} FILE.pth` makes random ones")
    load_into(network, load_state(path), source=path)
    return network


if __name__ == "__main__":
    import sys

    write_random_weights(sys.argv[1], Path(sys.argv[2]))
