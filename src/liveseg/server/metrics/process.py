"""Memory and time of this process: prometheus-client's collector on Linux, psutil's numbers elsewhere."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from prometheus_client import ProcessCollector
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client import CollectorRegistry
    from prometheus_client.metrics_core import Metric


def register_process(registry: CollectorRegistry) -> None:
    """Add what is to be had of this process: `process_resident_memory_bytes`, `process_cpu_seconds_total` and more."""
    if sys.platform == "linux":
        ProcessCollector(registry=registry)
    else:
        registry.register(OtherSystems())


class OtherSystems(Collector):
    """The same names as prometheus-client has on Linux, on systems without `/proc`."""

    def __init__(self) -> None:
        import psutil

        self._process = psutil.Process()

    def collect(self) -> Iterable[Metric]:
        """The process as it is now."""
        with self._process.oneshot():
            memory, times = self._process.memory_info(), self._process.cpu_times()
            began = self._process.create_time()
        yield GaugeMetricFamily("process_resident_memory_bytes", "Resident memory size in bytes.", memory.rss)
        yield GaugeMetricFamily("process_virtual_memory_bytes", "Virtual memory size in bytes.", memory.vms)
        yield GaugeMetricFamily(
            "process_start_time_seconds", "Start time of the process since unix epoch in seconds.", began
        )
        yield CounterMetricFamily(
            "process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", times.user + times.system
        )
