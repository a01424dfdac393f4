"""Write `deploy/grafana/dashboard.json`: what an operator of `liveseg serve` looks at first, in Grafana.

    python tools/make_dashboard.py [TARGET]

Each panel is one line of `ROWS`: its kind, title, width, unit, a sentence on how to read it, and its queries with their
legends. Places on the grid and everything that Grafana wants besides follow from that.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[1] / "deploy" / "grafana" / "dashboard.json"
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
ME = '{instance=~"$instance"}'


@dataclass(frozen=True)
class Panel:
    """One panel; `steps` are values from which its colour is another one."""

    kind: str
    title: str
    width: int
    unit: str
    text: str
    queries: tuple[tuple[str, str], ...]
    steps: tuple[tuple[str, float | None], ...] = (("green", None),)
    stacked: bool = False
    more: dict[str, Any] = field(default_factory=dict)


def mine(*matchers: str) -> str:
    """The label matchers of a query: the chosen instances, and more."""
    return "{" + ", ".join(('instance=~"$instance"', *matchers)) + "}"


def quantile(share: float, metric: str, by: str = "", *matchers: str) -> str:
    """A percentile of a histogram over the last minutes."""
    groups = f"le, {by}" if by else "le"
    return f"histogram_quantile({share}, sum by ({groups}) (rate({metric}_bucket{mine(*matchers)}[$__rate_interval])))"


def rate(metric: str, by: str = "", *matchers: str) -> str:
    """A counter's increase a second."""
    grouped = f"sum by ({by}) " if by else "sum"
    return f"{grouped}(rate({metric}{mine(*matchers)}[$__rate_interval]))"


def mean(metric: str, by: str = "") -> str:
    """The mean of what a histogram took in."""
    return f"{rate(metric + '_sum', by)} / {rate(metric + '_count', by)}"


def quantiles(metric: str, *matchers: str) -> tuple[tuple[str, str], ...]:
    """The three percentiles that say most."""
    return tuple((quantile(share, metric, "", *matchers), f"p{share * 100:.0f}") for share in (0.5, 0.95, 0.99))


API = 'route=~"/v1/.*", route!~".*/mjpeg", method!="WEBSOCKET"'
SEGMENT = 'route="/v1/segment"'
FAILURES = rate("liveseg_requests_total", "", 'status=~"5.."')
ROWS: tuple[tuple[str, tuple[tuple[int, tuple[Panel, ...]], ...]], ...] = (
    ("At a glance", (
        (4, (
            Panel("stat", "Up", 3, "short", "Instances that Prometheus can read.", ((f"sum(up{ME})", ""),),
                  (("red", None), ("green", 1))),
            Panel("stat", "Requests a second", 4, "reqps", "All routes.", ((rate("liveseg_requests_total"), ""),)),
            Panel("stat", "Failed", 4, "percentunit",
                  "Share of requests that ended in a 5xx status: defects, and refusals while loading or stopping.",
                  ((f"({FAILURES} or vector(0)) / clamp_min({rate('liveseg_requests_total')}, 1e-9)", ""),),
                  (("green", None), ("yellow", 0.001), ("red", 0.01))),
            Panel("stat", "Pictures, p95", 4, "s", "POST /v1/segment, from the request's head to the answer's end.",
                  ((quantile(0.95, "liveseg_request_seconds", "", SEGMENT), ""),),
                  (("green", None), ("yellow", 0.5), ("red", 2))),
            Panel("stat", "Live age, p95", 4, "s", "From a live frame's arrival to its answer.",
                  ((quantile(0.95, "liveseg_frame_age_seconds"), ""),),
                  (("green", None), ("yellow", 0.25), ("red", 1))),
            Panel("stat", "Memory", 5, "bytes", "Resident memory of the service, without the videos' workers.",
                  ((f"sum(process_resident_memory_bytes{ME})", ""),)),
        )),
    )),
    ("Requests", (
        (8, (
            Panel("timeseries", "By route", 8, "reqps", "Requests a second.",
                  ((rate("liveseg_requests_total", "route"), "{{route}}"),), stacked=True),
            Panel("timeseries", "By status", 8, "reqps",
                  "429: the queue or a client's share was full. 503: loading or stopping. 5xx otherwise is a defect.",
                  ((rate("liveseg_requests_total", "status"), "{{status}}"),), stacked=True),
            Panel("timeseries", "Seconds of POST /v1/segment", 8, "s", "Half, 95 % and 99 % of requests took less.",
                  quantiles("liveseg_request_seconds", SEGMENT)),
        )),
        (8, (
            Panel("heatmap", "Spread of POST /v1/segment", 12, "s", "Requests a second by how long they took.",
                  ((rate("liveseg_request_seconds_bucket", "le", SEGMENT), "{{le}}"),)),
            Panel("timeseries", "p95 by route", 12, "s", "95 % of a route's requests took less.",
                  ((quantile(0.95, "liveseg_request_seconds", "route", API), "{{route}}"),)),
        )),
    )),
    ("The network", (
        (8, (
            Panel("timeseries", "Where the time goes", 8, "s",
                  "Mean seconds of each stage. A growing `wait` is a machine that is full; the rest is work.",
                  ((mean("liveseg_stage_seconds", "stage"), "{{stage}}"),), stacked=True),
            Panel("timeseries", "p95 by stage", 8, "s", "95 % of the times of a stage were less.",
                  ((quantile(0.95, "liveseg_stage_seconds", "stage"), "{{stage}}"),)),
            Panel("timeseries", "Waiting pictures", 8, "short",
                  "Depth of the queue when it was read. At its limit (--queue) requests are refused with 429.",
                  ((f"max(liveseg_queue_depth{ME})", "waiting"),)),
        )),
        (8, (
            Panel("timeseries", "Pictures a second", 8, "short", "Through the network, for requests and live frames.",
                  ((rate("liveseg_batch_size_sum"), "pictures"), (rate("liveseg_batch_size_count"), "runs"))),
            Panel("timeseries", "Pictures at once", 8, "short", "Mean size of a batch; 1 where batching is off.",
                  ((mean("liveseg_batch_size"), "mean"),)),
            Panel("timeseries", "Models", 8, "short", "In memory, and loads that ended well or failed in an hour.",
                  ((f"sum(liveseg_models_in_memory{ME})", "in memory"),
                   (f"sum by (result) (increase(liveseg_model_loads_total{ME}[1h]))", "loads, {{result}}"))),
        )),
    )),
    ("Live and streams", (
        (8, (
            Panel("timeseries", "Age of frames", 8, "s", "From arrival to answer. It stays flat under load: frames are"
                  " dropped instead of kept waiting.",
                  ((quantile(0.5, "liveseg_frame_age_seconds", "kind"), "{{kind}}, p50"),
                   (quantile(0.95, "liveseg_frame_age_seconds", "kind"), "{{kind}}, p95"))),
            Panel("timeseries", "Frames a second", 8, "short", "Answered, and dropped because a newer one had come.",
                  ((rate("liveseg_frame_age_seconds_count", "kind"), "{{kind}}, answered"),
                   (rate("liveseg_frames_dropped_total", "kind"), "{{kind}}, dropped"))),
            Panel("timeseries", "Sessions and sources", 8, "short", "Open live WebSockets, and server-side sources.",
                  ((f"sum(liveseg_live_sessions{ME})", "live sessions"),
                   (f"sum by (state) (liveseg_streams{ME})", "streams, {{state}}"))),
        )),
    )),
    ("Videos and process", (
        (8, (
            Panel("timeseries", "Videos", 8, "short", "Jobs that are kept, by state.",
                  ((f"sum by (state) (liveseg_video_jobs{ME})", "{{state}}"),), stacked=True),
            Panel("timeseries", "Memory", 8, "bytes", "It is to be flat once all models in use are loaded.",
                  ((f"process_resident_memory_bytes{ME}", "resident, {{instance}}"),
                   (f"liveseg_model_bytes{ME}", "of models, {{instance}}"))),
            Panel("timeseries", "Processor and files", 8, "short", "Cores in use, and open files and connections.",
                  ((f"rate(process_cpu_seconds_total{ME}[$__rate_interval])", "cores, {{instance}}"),
                   (f"process_open_fds{ME}", "open files, {{instance}}")),
                  more={"overrides": [{"matcher": {"id": "byRegexp", "options": "open files.*"},
                                       "properties": [{"id": "custom.axisPlacement", "value": "right"}]}]}),
        )),
    )),
)  # fmt: skip


def drawn(panel: Panel) -> dict[str, Any]:
    """The options of a panel's kind."""
    if panel.kind == "stat":
        return {"options": {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "value", "graphMode": "area"}}
    if panel.kind == "heatmap":
        return {"options": {"calculate": False, "yAxis": {"unit": panel.unit}, "color": {"scheme": "Blues"}}}
    return {
        "options": {
            "legend": {"displayMode": "list", "placement": "bottom"},
            "tooltip": {"mode": "multi", "sort": "desc"},
        }
    }


def one(panel: Panel, number: int, x: int, y: int, height: int) -> dict[str, Any]:
    """A panel as Grafana keeps it."""
    custom: dict[str, Any] = {}
    if panel.kind == "timeseries":
        custom = {"lineWidth": 1, "fillOpacity": 25 if panel.stacked else 5, "showPoints": "never"}
        if panel.stacked:
            custom["stacking"] = {"mode": "normal"}
    fields: dict[str, Any] = {
        "unit": panel.unit,
        "custom": custom,
        "thresholds": {"mode": "absolute", "steps": [{"color": color, "value": at} for color, at in panel.steps]},
    }
    if panel.kind != "heatmap":
        fields["min"] = 0
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.text,
        "datasource": SOURCE,
        "gridPos": {"h": height, "w": panel.width, "x": x, "y": y},
        "fieldConfig": {"defaults": fields, "overrides": panel.more.get("overrides", [])},
        "targets": [
            {
                "refId": chr(ord("A") + place),
                "datasource": SOURCE,
                "expr": query,
                "legendFormat": legend,
                "format": "heatmap" if panel.kind == "heatmap" else "time_series",
            }
            for place, (query, legend) in enumerate(panel.queries)
        ],
        **drawn(panel),
    }


def dashboard() -> dict[str, Any]:
    """The whole dashboard, ready for `json.dump`."""
    panels: list[dict[str, Any]] = []
    y = 0
    for title, lines in ROWS:
        panels.append(
            {"id": len(panels) + 1, "type": "row", "title": title, "collapsed": False, "panels": [],
             "gridPos": {"h": 1, "w": 24, "x": 0, "y": y}}
        )  # fmt: skip
        y += 1
        for height, line in lines:
            x = 0
            for panel in line:
                panels.append(one(panel, len(panels) + 1, x, y, height))
                x += panel.width
            y += height
    return {
        "uid": "liveseg",
        "title": "liveseg",
        "description": "The service: requests, the network, live frames, videos and memory.",
        "tags": ["liveseg"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": [
            {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"},
            {"name": "instance", "label": "Instance", "type": "query", "datasource": SOURCE, "refresh": 2,
             "query": {"query": "label_values(liveseg_build_info, instance)", "refId": "instances"},
             "multi": True, "includeAll": True, "current": {"text": "All", "value": "$__all"}},
        ]},
        "panels": panels,
    }  # fmt: skip


def main() -> None:
    """Write the file."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(dashboard(), indent=2) + "\n", encoding="utf-8")
    print(target)


if __name__ == "__main__":
    main()
