"""`liveseg models`: what there is, what it costs, what it reaches, and whether it is here."""

from __future__ import annotations

import json as json_module
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from liveseg.cli.console import out
from liveseg.models.registry import MODELS
from liveseg.runtimes.load import BUNDLED

if TYPE_CHECKING:
    from liveseg.models.registry import ModelInfo


def models(json: Annotated[bool, typer.Option("--json", help="Print the table as JSON.")] = False) -> None:
    """List the models: network, size, cost, quality, and whether the weights are on this machine."""
    rows = [_row(info) for info in MODELS.values()]
    if json:
        typer.echo(json_module.dumps(rows, indent=2))
        return
    table = Table("name", "network", "parameters", "GMACs", "classes", "mIoU", "weights")
    for column in (0, 6):
        table.columns[column].no_wrap = True  # these are typed again
    for row in rows:
        height, width = row["gmacs_at"]
        scores = [f"{row['published_miou']} published" if row["published_miou"] else ""]
        if row["measured_miou"]:
            scores.append(f"{row['measured_miou']} measured")
        table.add_row(
            row["name"],
            row["network"],
            f"{row['parameters'] / 1e6:.2f} M",
            f"{row['gmacs']:.1f} at {width}x{height}",
            str(row["classes"]),
            "\n".join(filter(None, scores)),
            row["weights"],
        )
    out.print(table)
    out.print(
        "mIoU in per cent on COCO val2017 with Pascal VOC's labels: published for all 5,000 photos by torchvision,"
        f" measured for {BUNDLED} on 69 others of COCO that it was not trained on."
    )


def _row(info: ModelInfo) -> dict[str, Any]:
    return {
        "name": info.name,
        "network": info.network,
        "parameters": info.parameters,
        "gmacs": info.gmacs,
        "gmacs_at": list(info.gmacs_size),
        "classes": len(info.contract.labels),
        "published_miou": info.published_miou,
        "measured_miou": info.measured_miou,
        "weights": _weights(info),
    }


def _weights(info: ModelInfo) -> str:
    if info.name == BUNDLED:
        return "bundled"
    from liveseg.weights.catalogue import find_weights
    from liveseg.weights.integrity import verify

    state = verify(find_weights(info.name))
    return {
        "ok": "here",
        "missing": f"not here: liveseg pull {info.name}",
        "corrupt": f"damaged; liveseg pull {info.name}",
    }[state]
