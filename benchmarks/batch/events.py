"""A batch as events in time: bundles go from the listing through the driver to workers, and their records come back.

Own code, not SimPy: the parts are queues that serve in order of arrival, so that an event is a few additions, and ten
million images on a thousand workers take seconds; a process of SimPy for each bundle would take minutes.

What is in it: the listing's pages, the driver as one server for bundles and records, the store's request rates and
bandwidth, the nodes' network cards, workers that differ in speed, nodes that come late and that are lost, and the end,
where some workers have nothing left to do. What is not: congestion inside the network, stores that answer 503 before
they are full, and images that are much larger than the others.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from cluster import capacities, logging, overhead, own_work, seconds_an_image

if TYPE_CHECKING:
    from cluster import Cluster
    from costs import Costs

FREE, BEGIN, DONE, LOST, AGAIN = range(5)

EVENTS = 40_000
"""Bundles that are followed one by one, about."""


class Server:
    """A part that does one thing after the other."""

    __slots__ = ("busy", "free_at", "rate")

    def __init__(self, rate: float) -> None:
        self.rate, self.free_at, self.busy = rate, 0.0, 0.0

    def take(self, now: float, amount: float) -> float:
        """When `amount` that comes at `now` has been served."""
        seconds = amount / self.rate
        self.busy += seconds
        self.free_at = max(self.free_at, now) + seconds
        return self.free_at


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a simulated run came to.

    Args:
        images: that were done; each once.
        seconds: from the command to the last record.
        steady_rate: images a second from the first worker's start to the end: without the time until a node is there.
        first_start: seconds until the first worker began.
        tail: seconds from the first worker without work to the end.
        bundles: that were begun, those that were lost with their node among them.
        lost: bundles that were lost and done again.
        busy: share of the time that each part was at work; of the workers, on average.
        in_progress: bundles with workers, on average over time.
        residence: seconds that a bundle was with its worker, on average.
        limit: the part with the least capacity, by `cluster.capacities`.
        efficiency: of the images that so many workers would do if they waited for nobody, the share that was done.
    """

    images: int
    seconds: float
    steady_rate: float
    first_start: float
    tail: float
    bundles: int
    lost: int
    busy: dict[str, float]
    in_progress: float
    residence: float
    limit: str
    efficiency: float

    @property
    def rate(self) -> float:
        """Images a second, over all of the run."""
        return self.images / self.seconds

    def to_json(self) -> dict[str, Any]:
        """With few digits: more would be a claim."""
        told = asdict(self) | {"rate": self.rate}
        told["busy"] = {name: round(value, 4) for name, value in self.busy.items()}
        return {name: float(f"{value:.5g}") if isinstance(value, float) else value for name, value in told.items()}


class Run:
    """One simulated run; `outcome` after `through`."""

    def __init__(self, images: int, costs: Costs, cluster: Cluster, *, seed: int = 0) -> None:
        self.images, self.costs, self.cluster = images, costs, cluster
        # One event stands for several small bundles, or ten million images would be millions of events; a run's end is
        # then coarser than it is.
        self.grain = cluster.bundle * max(1, math.ceil(images / EVENTS / cluster.bundle))
        self.bundles = math.ceil(images / self.grain)
        random = np.random.default_rng(seed)
        spread = costs.spread / math.sqrt(self.grain)
        self.luck = random.gamma(1 / spread**2, spread**2, self.bundles) if spread else np.ones(self.bundles)
        self.random = random
        speed = np.maximum(random.normal(1, cluster.node_spread, cluster.nodes), 0.1)
        slow = random.random(cluster.nodes) < cluster.slow_share
        self.pace = np.where(slow, cluster.slow_factor, 1 / speed)
        within = capacities(costs, cluster)
        self.listing = within["listing"]
        self.driver = Server(1.0)
        self.parts = {name: Server(within[name]) for name in ("reads", "writes", "store")}
        cards = 1 if cluster.through_driver else cluster.nodes
        self.cards = [Server(within["network"] / cards) for _ in range(cards)]
        self.crowd = self._crowd(within["workers"])
        self.queue: list[tuple[float, int, int, int, int]] = []
        self.ticket = 0
        self.age = [0] * cluster.nodes
        self.holds: dict[int, int] = {}
        self.since: dict[int, float] = {}
        self.again: list[int] = []
        self.idle: list[tuple[int, int]] = []
        self.next_bundle = self.done = self.begun = self.lost = 0
        self.first_start = self.first_idle = math.inf
        self.last = self.worked = self.resided = self.weighted = self.clock = 0.0

    def _crowd(self, rate: float) -> float:
        """How much longer work takes where workers and driver share fewer cores than they could use."""
        if not self.cluster.cores:
            return 1.0
        driver = rate * (self.costs.driver_item + self.costs.driver_record)
        return max(1.0, (self.cluster.workers + driver) / self.cluster.cores)

    def through(self) -> Outcome:
        """Run it to its end."""
        for node in range(self.cluster.nodes):
            self._node_comes(0.0, node)
        handlers = {FREE: self._free, BEGIN: self._begin, DONE: self._done, LOST: self._lost, AGAIN: self._again}
        while self.done < self.bundles:
            now, _, kind, who, what = heapq.heappop(self.queue)
            self.weighted += len(self.since) * (now - self.clock)
            self.clock = now
            handlers[kind](now, who, what)
        return self._outcome()

    def _push(self, when: float, kind: int, who: int, what: int) -> None:
        self.ticket += 1
        heapq.heappush(self.queue, (when, self.ticket, kind, who, what))

    def _node_comes(self, now: float, node: int) -> None:
        cluster = self.cluster
        pulled = now + cluster.node_start + (cluster.image_bytes + cluster.model_bytes) / cluster.node_bandwidth
        for worker in range(node * cluster.workers_a_node, min((node + 1) * cluster.workers_a_node, cluster.workers)):
            self._push(pulled + self.costs.start, FREE, worker, self.age[node])
        if cluster.losses_a_day:
            after = self.random.exponential(86_400 / cluster.losses_a_day)
            self._push(pulled + after, LOST, node, self.age[node])

    def _free(self, now: float, worker: int, age: int) -> None:
        """A worker asks for its next bundle; the driver makes one as soon as its images are listed."""
        node = worker // self.cluster.workers_a_node
        if age != self.age[node]:
            return
        if self.again:
            bundle, listed = self.again.pop(), now
        elif self.next_bundle < self.bundles:
            bundle = self.next_bundle
            self.next_bundle += 1
            listed = self.cluster.list_latency + self._images_to(bundle) / self.listing
        else:
            self.first_idle = min(self.first_idle, now)
            self.idle.append((worker, age))
            return
        self.first_start = min(self.first_start, now)
        handed = self.driver.take(max(now, listed), self._images_of(bundle) * self.costs.driver_item)
        self.holds[worker] = bundle
        self._push(handed, BEGIN, worker, age)

    def _begin(self, now: float, worker: int, age: int) -> None:
        node = worker // self.cluster.workers_a_node
        if age != self.age[node]:
            return
        bundle = self.holds[worker]
        self.since[worker] = now
        self.begun += 1
        images, costs, cluster = self._images_of(bundle), self.costs, self.cluster
        work = costs.work * images * float(self.luck[bundle]) * float(self.pace[node]) * self.crowd
        own = images * (own_work(costs, cluster, work / images) + logging(costs, cluster))
        own += overhead(costs, cluster) * images / cluster.bundle * self.crowd
        self.worked += own
        card = self.cards[0 if cluster.through_driver else node]
        # The parts' rates are in images a second.
        served = [part.take(now, images) for part in self.parts.values()]
        end = max(now + own, card.take(now, images), *served)
        self._push(end, DONE, worker, age)

    def _done(self, now: float, worker: int, age: int) -> None:
        if age != self.age[worker // self.cluster.workers_a_node]:
            return
        bundle = self.holds.pop(worker)
        self.resided += now - self.since.pop(worker)
        self.done += 1
        self.last = self.driver.take(now, self._images_of(bundle) * self.costs.driver_record)
        self._free(now, worker, age)

    def _lost(self, now: float, node: int, age: int) -> None:
        """A node goes with what its workers had in hand; another comes in its place."""
        if age != self.age[node]:
            return
        self.age[node] += 1
        first = node * self.cluster.workers_a_node
        for worker in range(first, first + self.cluster.workers_a_node):
            if worker in self.holds:
                self.resided += now - self.since.pop(worker, now)
                self.lost += 1
                self._push(now + self.cluster.notice, AGAIN, worker, self.holds.pop(worker))
        self._node_comes(now, node)

    def _again(self, now: float, _: int, bundle: int) -> None:
        self.again.append(bundle)
        while self.again and self.idle:
            worker, age = self.idle.pop()
            self._free(now, worker, age)  # which does nothing where that worker's node is lost

    def _images_of(self, bundle: int) -> int:
        return min(self.grain, self.images - bundle * self.grain)

    def _images_to(self, bundle: int) -> int:
        return min((bundle + 1) * self.grain, self.images)

    def _outcome(self) -> Outcome:
        costs, cluster = self.costs, self.cluster
        within = capacities(costs, cluster)
        busy = {name: part.busy / self.last for name, part in self.parts.items()}
        busy["network"] = sum(card.busy for card in self.cards) / len(self.cards) / self.last
        busy["driver"] = self.driver.busy / self.last
        busy["listing"] = min(self.images / self.listing / self.last, 1.0)
        busy["workers"] = self.worked / cluster.workers / self.last
        alone = cluster.workers / seconds_an_image(costs, cluster)
        return Outcome(
            images=self.images,
            seconds=self.last,
            steady_rate=self.images / (self.clock - self.first_start),
            first_start=self.first_start,
            tail=max(self.clock - self.first_idle, 0.0),
            bundles=self.begun,
            lost=self.lost,
            busy=busy,
            in_progress=self.weighted / self.clock,
            residence=self.resided / max(self.begun, 1),
            limit=min(within, key=lambda name: within[name]),
            efficiency=self.images / self.last / alone,
        )
