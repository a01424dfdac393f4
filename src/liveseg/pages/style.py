"""How the pages of `liveseg eval`, `compare` and `batch` look, in light and dark, and the frame that holds them."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

LIGHT = {
    "page": "#ffffff",
    "panel": "#f4f6f8",
    "ink": "#1c2127",
    "muted": "#545d68",
    "line": "#d3d9e0",
    "right": "#1f66c1",
    "wrong": "#b84a00",
}
"""The colours by name; text of `ink`, `muted`, `right` and `wrong` stands on `page` and `panel`."""

DARK = {
    "page": "#15181c",
    "panel": "#1f242a",
    "ink": "#e8ebef",
    "muted": "#a6b0bb",
    "line": "#3a424c",
    "right": "#74b3ff",
    "wrong": "#ffa05c",
}
"""The same where the reader's system is set to dark."""

SERIES_LIGHT = ("#1f66c1", "#b84a00", "#2b7a50", "#8a3fb0", "#8f5e00", "#0f7580", "#bd2f67", "#59616c")
"""Colours of things that stand side by side in one chart, in their order; each is told apart from the page."""

SERIES_DARK = ("#74b3ff", "#ffa05c", "#6fcf97", "#d19cf5", "#e3c04f", "#5fd0de", "#ff8db4", "#a6b0bb")
"""The same where it is dark."""

HEAT_LEVELS = 10
"""Steps of the confusion matrix's colours."""


def contrast(one: str, other: str) -> float:
    """The contrast of two colours like `#1f66c1`, from 1 to 21 (WCAG 2.2, contrast ratio); text wants at least 4.5."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def heat(colors: dict[str, str], hue: str, level: int) -> tuple[str, str]:
    """The colour of a cell and of the text in it: `hue` over the page, the more of it the higher the level."""
    share = level / HEAT_LEVELS
    pairs = zip(_channels(colors[hue]), _channels(colors["page"]), strict=True)
    mixed = "#" + "".join(f"{round(share * over + (1 - share) * under):02x}" for over, under in pairs)
    return mixed, max("#000000", "#ffffff", key=lambda text: contrast(text, mixed))


def _channels(color: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(color[1:]))


def _luminance(color: str) -> float:
    linear = [
        c / 12.92 if (c := channel / 255) <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for channel in _channels(color)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _scheme(colors: dict[str, str], series: Sequence[str]) -> str:
    """What depends on whether it is light or dark: the colours by name, and those of the matrix by level."""
    named = colors | {f"series-{number}": value for number, value in enumerate(series)}
    rules = [":root { " + " ".join(f"--{name}: {value};" for name, value in named.items()) + " }"]
    for selector, hue in (("", "wrong"), (".d", "right")):
        for level in range(1, HEAT_LEVELS + 1):
            cell, text = heat(colors, hue, level)
            rules.append(f".matrix td{selector}.h{level} {{ background: {cell}; color: {text}; }}")
    return "\n".join(rules)


_STYLE = """
:root { color-scheme: light dark; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1.25rem 4rem; max-width: 1120px; background: var(--page); color: var(--ink);
 font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
h1 { margin: 0; font-size: 1.75rem; line-height: 1.2; overflow-wrap: anywhere; }
h2 { margin: 2.75rem 0 .5rem; font-size: 1.25rem; }
h3 { margin: 1.25rem 0 .25rem; font-size: 1rem; }
p { margin: .35rem 0; max-width: 75ch; }
a { color: var(--right); }
.muted, figcaption, caption { color: var(--muted); }
figure { margin: .5rem 0; }
figcaption, caption { font-size: .85rem; text-align: left; }
nav { margin: .75rem 0; display: flex; flex-wrap: wrap; gap: .25rem 1rem; font-size: .9rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(165px, 1fr)); gap: .75rem; margin: 1rem 0; }
.card { padding: .7rem .8rem; background: var(--panel); border: 1px solid var(--line); border-radius: 10px; }
.card .name { font-size: .8rem; color: var(--muted); white-space: nowrap; }
.card .value { font-size: 1.7rem; font-weight: 650; line-height: 1.25; font-variant-numeric: tabular-nums; }
.card .unit { font-size: .95rem; font-weight: 400; }
.card .range { font-size: .85rem; color: var(--muted); }
.card .bar { min-width: 0; margin-top: .3rem; }
.first .value { color: var(--right); }
.warns .value { color: var(--wrong); }
.scroll { overflow: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.rows { width: 100%; font-size: .85rem; }
.rows th, .rows td { padding: .25rem .5rem; text-align: right; border-bottom: 1px solid var(--line); }
.rows th:first-child, .rows td:first-child, .rows .text { text-align: left; }
.rows thead th { position: sticky; top: 0; background: var(--page); font-weight: 600; vertical-align: bottom; }
.rows tbody th { font-weight: 400; white-space: nowrap; }
.rows td { white-space: nowrap; }
.rows td.text, .rows tbody th.text { white-space: normal; overflow-wrap: anywhere; }
.rows .name, .rows .said { min-width: 12rem; }
.wide svg { min-width: 640px; }
.rows button { all: unset; cursor: pointer; }
.rows button:focus-visible { outline: 2px solid var(--right); outline-offset: 2px; }
.rows button::after { content: " \\2195"; color: var(--muted); }
.rows [aria-sort=descending] button::after { content: " \\2193"; color: var(--ink); }
.rows [aria-sort=ascending] button::after { content: " \\2191"; color: var(--ink); }
.swatch { display: inline-block; width: .8em; height: .8em; margin-right: .5em; border: 1px solid var(--line);
 border-radius: 3px; vertical-align: -.05em; }
.bar { display: block; width: 100%; min-width: 110px; height: 18px; }
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(340px, 1fr)); gap: 0 2rem; }
.two > * { min-width: 0; }
svg { display: block; max-width: 100%; overflow: visible; }
svg text { font-size: 12px; fill: var(--muted); font-family: inherit; }
svg .strong { fill: var(--ink); }
svg .fill { fill: var(--right); }
svg .soft { fill: var(--right); fill-opacity: .35; }
svg .bad { fill: var(--wrong); }
svg .track { fill: var(--line); }
svg .even { fill: var(--muted); }
svg .grid { stroke: var(--line); stroke-width: 1; }
svg .axis { stroke: var(--muted); stroke-width: 1; }
svg .whisker { stroke: var(--ink); stroke-width: 1.5; fill: none; }
svg .ideal { stroke: var(--muted); stroke-width: 1.5; stroke-dasharray: 5 4; fill: none; }
svg .hollow { fill: var(--page); stroke: var(--right); stroke-width: 1.5; }
svg .off { stroke: var(--muted); stroke-width: 2; stroke-opacity: .5; }
svg .median { stroke: var(--wrong); stroke-width: 2; }
.matrix { border-collapse: separate; border-spacing: 1px; font-size: 11px; line-height: 1; width: max-content; }
.matrix td { width: 30px; min-width: 30px; height: 22px; padding: 0; text-align: center; border-radius: 2px;
 background: var(--panel); color: var(--ink); }
.matrix th { font-weight: 400; white-space: nowrap; color: var(--ink); background: var(--page); }
.matrix tbody th { position: sticky; left: 0; padding: 0 .5em 0 0; text-align: right; z-index: 1; }
.matrix thead th { position: sticky; top: 0; height: 1px; padding: .4em 0 .3em; vertical-align: bottom; z-index: 2; }
.matrix thead th:first-child { left: 0; z-index: 3; }
.matrix thead span { writing-mode: sideways-lr; margin: auto; }
@supports not (writing-mode: sideways-lr) {
 .matrix thead span { writing-mode: vertical-rl; transform: rotate(180deg); } }
.many .matrix { font-size: 10px; }
.many .matrix td { width: 12px; min-width: 12px; height: 12px; font-size: 0; border-radius: 0; }
.many .matrix { border-spacing: 0; }
.many:has(.numbers:checked) .matrix td { width: 24px; min-width: 24px; height: 18px; font-size: 9.5px; }
.few:not(:has(.numbers:checked)) .matrix td { font-size: 0; }
.matrix td:hover { outline: 2px solid var(--ink); outline-offset: -1px; }
.framed { max-height: 85vh; border: 1px solid var(--line); border-radius: 8px; padding: 0 .75rem .75rem; }
.told { min-height: 1.5em; font-size: .9rem; }
.photo { margin: 1.25rem 0; padding-top: 1rem; border-top: 1px solid var(--line); }
.photo h3 { margin: 0 0 .35rem; font-weight: 600; overflow-wrap: anywhere; }
.panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(200px, 1fr)); gap: .6rem; }
.panels figure { margin: 0; }
.panels img { display: block; width: 100%; height: auto; border-radius: 4px; }
.key { display: flex; flex-wrap: wrap; gap: .2rem 1rem; margin: .4rem 0 0; padding: 0; list-style: none;
 font-size: .85rem; }
details { margin: .5rem 0; }
summary { cursor: pointer; }
dt { margin-top: .75rem; font-weight: 600; }
dd { margin: 0; max-width: 75ch; }
code, pre { font: .88em ui-monospace, "Cascadia Mono", Menlo, "DejaVu Sans Mono", monospace; }
pre { padding: .6rem .8rem; background: var(--panel); border: 1px solid var(--line); border-radius: 6px;
 white-space: pre-wrap; overflow-wrap: anywhere; }
@media print { .framed { max-height: none; } .rows thead th { position: static; } }
"""

_SERIES = "".join(
    f"svg .series-{number} {{ fill: var(--series-{number}); }}\n"
    f".swatch.series-{number} {{ background: var(--series-{number}); }}\n"
    for number in range(len(SERIES_LIGHT))
)

_SCRIPT = """
"use strict";
for (const button of document.querySelectorAll(".rows thead button")) {
  button.addEventListener("click", () => {
    const head = button.closest("th"), table = button.closest("table"), column = head.cellIndex;
    const down = head.getAttribute("aria-sort") !== "descending";
    for (const other of head.parentElement.children) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const value = row => row.cells[column].dataset.value;
    const rows = [...table.tBodies[0].rows].sort((a, b) => {
      const x = value(a), y = value(b);
      if (x === undefined || y === undefined) return (x === undefined) - (y === undefined);
      return isNaN(x) ? x.localeCompare(y) * (down ? -1 : 1) : (down ? y - x : x - y);
    });
    table.tBodies[0].append(...rows);
  });
}
for (const table of document.querySelectorAll(".matrix")) {
  const told = table.closest("section").querySelector(".told"), empty = told.textContent;
  const counts = JSON.parse(document.getElementById(table.dataset.counts).textContent);
  const names = [...table.tBodies[0].rows].map(row => row.cells[0].textContent);
  const sums = counts.map(row => row.reduce((sum, [, count]) => sum + count, 0));
  table.addEventListener("pointerover", event => {
    const cell = event.target.closest("td");
    if (!cell) return;
    const i = cell.parentElement.sectionRowIndex, j = cell.cellIndex - 1;
    const found = counts[i].find(([column]) => column === j), count = found ? found[1] : 0;
    const share = sums[i] ? 100 * count / sums[i] : 0;
    told.textContent = i === j
      ? `${names[i]}: ${share.toFixed(2)} % of its pixels were recognised (${count.toLocaleString("en")})`
      : `${names[i]}: ${share.toFixed(2)} % of its pixels were taken for ${names[j]} (${count.toLocaleString("en")})`;
  });
  table.addEventListener("pointerleave", () => { told.textContent = empty; });
}
"""


def document(title: str, body: str) -> str:
    """A page that stands alone: it loads nothing from anywhere, and its policy forbids it to.

    Args:
        title: plain text.
        body: HTML.
    """
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>{escape(title)}</title>
<style>{_STYLE}{_scheme(LIGHT, SERIES_LIGHT)}{_SERIES}
@media (prefers-color-scheme: dark) {{
{_scheme(DARK, SERIES_DARK)}
}}
</style>
</head>
<body>
{body}
<script>{_SCRIPT}</script>
</body>
</html>
"""
