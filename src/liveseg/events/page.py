"""A chart as a page that stands alone: its drawing, and a few lines of script that show the values at the pointer."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liveseg.events.chart import Panel

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>Areas over time</title>
<style>
body { margin: 1rem; font: 15px/1.4 system-ui, sans-serif; color: #222; background: #fff; }
#chart { position: relative; max-width: 1100px; margin: auto; }
#chart svg { display: block; width: 100%; height: auto; }
#line { position: absolute; width: 1px; background: #888; pointer-events: none; }
#values { position: absolute; padding: .4rem .6rem; background: #fffffff0; border: 1px solid #bbb; border-radius: 4px;
 box-shadow: 0 1px 4px #0003; pointer-events: none; white-space: nowrap; font-variant-numeric: tabular-nums; }
#values b { display: block; }
#values i { display: inline-block; width: .8em; height: .8em; margin-right: .4em; border-radius: 2px; }
</style>
</head>
<body>
<div id="chart">
@DRAWING@
<div id="line" hidden></div>
<div id="values" hidden></div>
</div>
<script>
"use strict";
const plots = @PLOTS@;
const chart = document.getElementById("chart"), drawing = chart.querySelector("svg");
const line = document.getElementById("line"), values = document.getElementById("values");
function clock(seconds) {
  if (seconds < 60) return seconds.toFixed(2) + " s";
  const all = Math.round(seconds), two = n => String(n).padStart(2, "0");
  const h = Math.floor(all / 3600), m = Math.floor(all / 60) % 60, s = all % 60;
  return h ? h + ":" + two(m) + ":" + two(s) : m + ":" + two(s);
}
function nearest(times, wanted) {
  let low = 0, high = times.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (times[middle] <= wanted) low = middle; else high = middle;
  }
  return wanted - times[low] <= times[high] - wanted ? low : high;
}
function hide() { line.hidden = values.hidden = true; }
function show(event) {
  const box = drawing.getBoundingClientRect(), scale = box.width / drawing.viewBox.baseVal.width;
  const x = (event.clientX - box.left) / scale, y = (event.clientY - box.top) / scale;
  const plot = plots.find(p => x >= p.x - 3 && x <= p.x + p.width + 3 && y >= p.y && y <= p.y + p.height);
  if (!plot) return hide();
  const at = nearest(plot.times, plot.from + (x - plot.x) / plot.width * (plot.to - plot.from));
  if (plot.lines.every(one => one.values[at] === null)) return hide();
  const place = (plot.x + (plot.times[at] - plot.from) / (plot.to - plot.from) * plot.width) * scale;
  line.style.cssText = `left:${place}px;top:${plot.y * scale}px;height:${plot.height * scale}px`;
  values.replaceChildren();
  const time = document.createElement("b");
  time.textContent = clock(plot.times[at]);
  values.append(time);
  const order = [...plot.lines].sort((a, b) => b.values[at] - a.values[at]);
  for (const one of order) {
    const row = document.createElement("div"), mark = document.createElement("i");
    mark.style.background = one.color;
    row.append(mark, `${one.name} ${one.values[at].toFixed(2)}%`);
    values.append(row);
  }
  line.hidden = values.hidden = false;
  const right = place + 12 + values.offsetWidth > box.width;
  values.style.left = (right ? place - 12 - values.offsetWidth : place + 12) + "px";
  values.style.top = plot.y * scale + 8 + "px";
}
chart.addEventListener("pointermove", show);
chart.addEventListener("pointerleave", hide);
</script>
</body>
</html>
"""


@dataclass(frozen=True, eq=False)
class Plot:
    """Where a panel lies in its drawing.

    Args:
        place: left, top, width and height in the drawing's own units.
        times: the times at its left and right edge, in seconds.
        panel: what it shows.
    """

    place: tuple[float, float, float, float]
    times: tuple[float, float]
    panel: Panel


def page(drawing: str, plots: Sequence[Plot]) -> str:
    """The page, which loads nothing from anywhere.

    Args:
        drawing: an SVG document.
        plots: its panels.
    """
    data = json.dumps([_data(plot) for plot in plots], ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # A name that holds `</script>` would end the script.
    before, between, after = re.split("@[A-Z]+@", _PAGE)
    return "".join((before, drawing[drawing.index("<svg") :], between, data.replace("<", "\\u003c"), after))


def _data(plot: Plot) -> dict[str, object]:
    x, y, width, height = (round(each, 2) for each in plot.place)
    begin, end = plot.times
    return {
        "x": x, "y": y, "width": width, "height": height, "from": begin, "to": end,
        "times": [round(time, 3) for time in plot.panel.times.tolist()],
        "lines": [
            {
                "name": line.name,
                "color": "#{:02x}{:02x}{:02x}".format(*(round(part * 255) for part in line.color)),
                "values": [None if math.isnan(value) else round(value, 3) for value in line.values.tolist()],
            }
            for line in plot.panel.lines
        ],
    }  # fmt: skip
