"""What a cluster and its store are taken to be: numbers that cannot be measured here, each with where it is from."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from liveseg.batch.bundles import Sizes
from liveseg.batch.records import Record

if TYPE_CHECKING:
    from costs import Costs

S3_RATES = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html"
S3_DESIGN = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance-design-patterns.html"
S3_LIST = "https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html"
GCS_QUOTAS = "https://cloud.google.com/storage/quotas"
EC2_NETWORK = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-network-bandwidth.html"
ASSUMED = "assumed: no figure is published"
DESIGN = "liveseg's own choice"


def assumption(default: float, source: str, what: str) -> float:
    """A field with where its value is from."""
    field: float = dataclasses.field(default=default, metadata={"source": source, "what": what})
    return field


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A store, nodes, a network between them, and how the design uses them; `simulate.py --set` changes each."""

    workers: int = assumption(1, DESIGN, "processes that segment")
    workers_a_node: int = assumption(32, EC2_NETWORK, "m5.8xlarge: 32 vCPUs")
    node_bandwidth: float = assumption(10e9 / 8, EC2_NETWORK, "bytes a second and direction; m5.8xlarge: 10 Gbit/s")
    store_bandwidth: float = assumption(200e9 / 8, GCS_QUOTAS, "bytes a second of a region's egress: 200 Gbit/s")
    connection_bandwidth: float = assumption(85e6, S3_DESIGN, "bytes a second of one request: 85 to 90 MB/s")
    get_latency: float = assumption(0.1, S3_DESIGN, "seconds to a small object's first byte: 100 to 200 ms")
    put_latency: float = assumption(0.1, S3_DESIGN, "seconds; the same")
    get_rate: float = assumption(5500, S3_RATES, "GET requests a second and partition")
    put_rate: float = assumption(3500, S3_RATES, "PUT requests a second and partition")
    partitions: int = assumption(16, ASSUMED, "prefixes that the store serves apart; grows under load")
    page: int = assumption(1000, S3_LIST, "names in an answer to LIST, at most")
    list_latency: float = assumption(0.1, S3_DESIGN, "seconds an answer to LIST takes; as for a small object")
    list_streams: int = assumption(1, DESIGN, "prefixes that are listed at once")
    transfers: int = assumption(4, DESIGN, "fetched, and committed, at once beside the work; 0: one thing at a time")
    bundle: int = assumption(1, DESIGN, "images handed over together; `settled` takes what liveseg would")
    log_seconds: float = assumption(1, DESIGN, "records wait so long for each other in the log; 0: one by one")
    log_requests: float = assumption(2, DESIGN, "an object of the log, and its deletion when it is rolled up")
    hand_over: float = assumption(0.0, "ray_overhead.json", "seconds a bundle of the cluster's engine")
    through_driver: int = assumption(0, DESIGN, "1: all bytes pass the driver's node; 0: workers and store talk alone")
    node_start: float = assumption(120, ASSUMED, "seconds until a node that was asked for is there")
    image_bytes: float = assumption(900e6, ASSUMED, "bytes of the container's image, pulled once a node")
    model_bytes: float = assumption(0, DESIGN, "bytes of the model, fetched once a node; the bundled one: 0")
    node_spread: float = assumption(0.05, ASSUMED, "standard deviation of the nodes' speed")
    slow_share: float = assumption(0.01, ASSUMED, "share of the nodes that are slow")
    slow_factor: float = assumption(2.0, ASSUMED, "how much slower these are")
    losses_a_day: float = assumption(0.05, ASSUMED, "times a day that a node is taken away")
    notice: float = assumption(30, ASSUMED, "seconds until that is noticed")
    cores: int = assumption(0, ASSUMED, "cores that workers and driver share; 0: each has its own")

    @property
    def nodes(self) -> int:
        """As many as the workers need."""
        return math.ceil(self.workers / self.workers_a_node)

    @classmethod
    def this_machine(cls, workers: int, cores: int, bundle: int) -> Cluster:
        """Local files, nothing to wait for: what the measurements are held against."""
        nothing = {"node_start": 0, "image_bytes": 0, "node_spread": 0, "slow_share": 0, "losses_a_day": 0}
        unlimited = dict.fromkeys(
            ("node_bandwidth", "store_bandwidth", "connection_bandwidth", "get_rate", "put_rate"), math.inf
        )
        immediate = {"get_latency": 0, "put_latency": 0, "list_latency": 0}
        return cls(workers=workers, cores=cores, bundle=bundle, **nothing, **unlimited, **immediate)

    def sources(self) -> dict[str, dict[str, object]]:
        """Each number with what it is and where it is from."""
        return {
            own.name: {"value": getattr(self, own.name), **own.metadata}
            for own in dataclasses.fields(self)
            if getattr(self, own.name) != math.inf
        }


def settled(costs: Costs, cluster: Cluster) -> Cluster:
    """With bundles as large as liveseg makes them of images that take so long to fetch, to segment and to commit."""
    sizes = Sizes()
    fetching, putting = moving(costs, cluster)
    spent = {"fetch": fetching, "commit": putting, "total": fetching + costs.work + putting}
    names = {"identifier": "", "location": "", "name": "", "kind": "image", "status": "done"}
    sizes.take(Record(**names, seconds=spent))
    return dataclasses.replace(cluster, bundle=sizes.size(None, cluster.workers))


def seconds_an_image(costs: Costs, cluster: Cluster) -> float:
    """Of a worker that waits for nobody: its work, or moving files where that takes longer; the log; handing over."""
    return own_work(costs, cluster, costs.work) + logging(costs, cluster) + overhead(costs, cluster) / cluster.bundle


def own_work(costs: Costs, cluster: Cluster, work: float) -> float:
    """Seconds an image that takes so much work, with its files fetched and committed beside or between."""
    fetching, putting = moving(costs, cluster)
    if cluster.transfers:
        return max(work, fetching / cluster.transfers, putting / cluster.transfers)
    return work + fetching + putting


def moving(costs: Costs, cluster: Cluster) -> tuple[float, float]:
    """Seconds to fetch an image, and to put its outputs where they belong; local files are in `work`."""
    fetching = cluster.get_latency + costs.bytes_in / cluster.connection_bandwidth
    return fetching, costs.outputs * cluster.put_latency + costs.bytes_out / cluster.connection_bandwidth


def overhead(costs: Costs, cluster: Cluster) -> float:
    """Seconds of a worker a bundle: handing over; it draws from the next one before the last files of one are put."""
    return costs.bundle + cluster.hand_over


def logging(costs: Costs, cluster: Cluster) -> float:
    """Seconds of a worker an image that it waits for its log, which is put beside the work, one object at a time."""
    waits = max(cluster.put_latency - cluster.log_seconds, 0.0) if cluster.transfers else cluster.put_latency
    return logged(costs, cluster) * waits


def logged(costs: Costs, cluster: Cluster) -> float:
    """Objects of the log an image."""
    return min(own_work(costs, cluster, costs.work) / cluster.log_seconds, 1.0) if cluster.log_seconds else 1.0


def capacities(costs: Costs, cluster: Cluster) -> dict[str, float]:
    """Images a second that each part lets through, if it were the only one; the smallest is where scaling stops."""
    of_driver = costs.driver_item + costs.driver_record
    inwards, outwards = max(costs.bytes_in, 1), max(costs.bytes_out, 1)
    written = costs.outputs + cluster.log_requests * logged(costs, cluster)
    nodes = 1 if cluster.through_driver else cluster.nodes
    # Through the driver each byte comes and goes: in from the store and out to the worker, and back.
    widest = inwards + outwards if cluster.through_driver else max(inwards, outwards)
    return {
        "workers": cluster.workers / seconds_an_image(costs, cluster),
        "listing": cluster.list_streams * cluster.page / cluster.list_latency if cluster.list_latency else math.inf,
        "driver": 1 / of_driver if of_driver else math.inf,
        "reads": cluster.get_rate * cluster.partitions,
        "writes": cluster.put_rate * cluster.partitions / written,
        "store": cluster.store_bandwidth / (inwards + outwards),
        "network": nodes * cluster.node_bandwidth / widest,
    }


def limit(costs: Costs, cluster: Cluster) -> str:
    """What scaling stops at: the part with the least capacity."""
    found = capacities(costs, cluster)
    return min(found, key=lambda name: found[name])
