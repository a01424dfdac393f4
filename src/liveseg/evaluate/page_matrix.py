"""The confusion matrix of the page: a table whose cells are coloured, so that it is its own text alternative."""

from __future__ import annotations

import json
import math
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from liveseg.pages.style import HEAT_LEVELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_FEW = 25
"""Classes up to which numbers are shown from the start."""

_CONFUSIONS = 10


def matrix(confusion: NDArray[np.int64], names: Sequence[str]) -> str:
    """A matrix of pixels as a table: rows are true classes, each divided by its sum; cells carry per cent.

    Args:
        confusion: `(C, D)` pixels, rows true; columns beyond the rows, such as `unknown`, are no classes of the truth.
        names: of the columns, the rows' first.
    """
    size = len(confusion)
    sums = confusion.sum(1, keepdims=True)
    shares = confusion / np.maximum(sums, 1)
    heads = "".join(f"<th scope=col><span>{escape(name)}</span>" for name in names)
    rows = [
        f"<tr><th scope=row>{escape(names[i])}"
        + "".join(_cell(share, right=i == j) for j, share in enumerate(shares[i].tolist()))
        for i in range(size)
    ]
    counts = [[[j, int(row[j])] for j in np.flatnonzero(row).tolist()] for row in confusion]
    few = len(names) <= _FEW
    return (
        f'<div class="{"few" if few else "many"}">'
        '<p class="muted">Rows: what the pixels are. Columns: what they were taken for. On the diagonal, in blue, what'
        " was right; the rest, in orange, what was mixed up. The colours grow with the root of the share, so that small"
        " ones are seen. An empty cell has no pixels.</p>"
        f'<p><label><input type="checkbox" class="numbers"{" checked" if few else ""}> numbers, per cent of the row'
        "</label></p>"
        '<p class="told muted">Point at a cell for its pixels.</p>'
        '<div class="scroll framed" tabindex="0" role="region" aria-label="confusion matrix">'
        '<table class="matrix" data-counts="confusion">'
        f"<thead><tr><th scope=col>true \\ predicted{heads}</thead><tbody>{''.join(rows)}</tbody></table></div></div>"
        f'<script type="application/json" id="confusion">{json.dumps(counts, separators=(",", ":"))}</script>'
    )


def confusions(confusion: NDArray[np.int64], names: Sequence[str]) -> str:
    """The mix-ups that cost most pixels, as sentences; nothing where there are none."""
    wrong = confusion.copy()
    np.fill_diagonal(wrong, 0)
    order = [int(at) for at in np.argsort(wrong, axis=None)[::-1][:_CONFUSIONS] if wrong.flat[at]]
    total, lines = max(int(confusion.sum()), 1), []
    for at in order:
        true, found = divmod(at, wrong.shape[1])
        pixels = int(wrong[true, found])
        lines.append(
            f"<li>{escape(names[true])} taken for {escape(names[found])}:"
            f" {100 * pixels / max(int(confusion[true].sum()), 1):.1f} % of {escape(names[true])},"
            f" {100 * pixels / total:.2f} % of all pixels</li>"
        )
    return f"<h3>The largest mix-ups</h3><ol>{''.join(lines)}</ol>" if lines else ""


def _cell(share: float, *, right: bool) -> str:
    # End tags that HTML allows to be left out would be a third of a page of 150 classes.
    if not share:
        return "<td>"
    level = min(max(math.ceil(HEAT_LEVELS * math.sqrt(share)), 1), HEAT_LEVELS)
    # 99.6 % is not everything, nor 0.4 % nothing.
    text = "<1" if share < 0.005 else ">99" if 0.995 <= share < 1 else f"{100 * share:.0f}"
    return f'<td class="{"d " if right else ""}h{level}">{escape(text)}'
