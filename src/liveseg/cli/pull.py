"""`liveseg pull`: fetch published weights into the cache."""

from __future__ import annotations

from typing import Annotated

import typer

from liveseg.cli.console import download_progress, out
from liveseg.runtimes.load import BUNDLED

Names = Annotated[list[str], typer.Argument(metavar="NAME...", help="Models to fetch, see `liveseg models`.")]


def pull(names: Names) -> None:
    """Download published weights, resuming what was begun; each file is checked against its published hash."""
    from liveseg.models.registry import find_model
    from liveseg.weights.catalogue import find_weights
    from liveseg.weights.download import download

    wanted = [find_model(name) for name in names]
    for info in wanted:
        if info.name == BUNDLED:
            out.print(f"{info.name}: part of liveseg, nothing to fetch")
            continue
        with download_progress() as progress:
            path = download(find_weights(info.name), progress=progress)
        out.print(f"{info.name}: {path}", markup=False)
