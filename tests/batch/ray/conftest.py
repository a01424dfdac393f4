"""A cluster of real processes: a head without workers and machines with one CPU each.

Ray does not join a cluster on loopback by an address: it takes 127.0.0.1 for this machine's own.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from liveseg.batch.manifest import Manifest
from liveseg.batch.places import Place
from liveseg.batch.records import Item, Task
from liveseg.settings import BatchSettings

HERE = Path(__file__).parent
HEALTH = {
    "health_check_initial_delay_ms": 1000,
    "health_check_period_ms": 1000,
    "health_check_timeout_ms": 5000,
    "health_check_failure_threshold": 3,
}
STORE = 80 << 20


def processes_of(folder: Path) -> list[int]:
    """Processes whose command line or environment names a cluster's folder."""
    found = []
    for place in Path("/proc").iterdir():
        if not place.name.isdigit() or int(place.name) == os.getpid():
            continue
        try:
            told = (place / "cmdline").read_bytes() + (place / "environ").read_bytes()
        except OSError:
            continue
        if os.fsencode(folder) in told:
            found.append(int(place.name))
    return found


@pytest.fixture(scope="session")
def ray_ready(require_module):
    """Ray can be imported here and in the cluster, where it is quiet."""
    if not sys.platform.startswith("linux"):
        pytest.skip("tests clusters as Linux has them")
    require_module("ray", "'ray[data,default]'")
    from liveseg.batch.ray_cluster import quiet

    before = dict(os.environ)
    quiet()
    # The processes of the cluster import the stand-ins by their names.
    folders = [str(HERE), str(HERE.parent)]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [*folders, before.get("PYTHONPATH")]))
    sys.path[:0] = folders
    yield
    for folder in folders:
        sys.path.remove(folder)
    for name in set(os.environ) - set(before):
        del os.environ[name]
    os.environ.update(before)


class Nodes:
    """A cluster; machines are added, killed and counted."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster

        # Short, since the paths of sockets are; in its name the processes are found again.
        self.folder = Path(tempfile.mkdtemp(prefix="lsray-"))
        head = {
            "num_cpus": 0,
            "include_dashboard": False,
            "temp_dir": str(self.folder),
            "object_store_memory": STORE,
            "_system_config": HEALTH,
        }
        with self._marked():
            self.cluster = Cluster(initialize_head=True, head_node_args=head)
        self.added = []

    @contextmanager
    def _marked(self):
        """What is started in this block can be told from other processes, and what that starts."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("LIVESEG_TEST_CLUSTER", str(self.folder))
            yield

    @property
    def address(self) -> str:
        return self.cluster.address

    def want(self, count: int) -> None:
        """So many machines besides the head."""
        self.added = [node for node in self.added if node.remaining_processes_alive()]
        while len(self.added) < count:
            with self._marked():
                self.added.append(self.cluster.add_node(num_cpus=1, object_store_memory=STORE))

    def kill(self, node=None) -> None:
        """All processes of a machine, at once."""
        node = node or self.added[-1]
        self.added.remove(node)
        self.cluster.remove_node(node, allow_graceful=False)

    def close(self) -> None:
        import ray
        from ray._common.utils import reset_ray_address

        ray.shutdown()  # where a test failed and left it connected
        self.cluster.shutdown()
        reset_ray_address()
        until = time.monotonic() + 15
        while (left := processes_of(self.folder)) and time.monotonic() < until:
            time.sleep(0.1)
        shutil.rmtree(self.folder, ignore_errors=True)
        assert left == []


@pytest.fixture(scope="session")
def nodes(ray_ready):
    cluster = Nodes()
    yield cluster
    cluster.close()


@pytest.fixture
def two_nodes(nodes):
    """A head, and two machines that each hold a worker."""
    nodes.want(2)
    return nodes


class Work:
    """Small files, what a stand-in makes of them, and what it did meanwhile."""

    def __init__(self, folder: Path) -> None:
        self.inputs = folder / "in"
        self.deeds = folder / "deeds"
        self.out = folder / "out"
        for each in (self.inputs, self.deeds):
            each.mkdir()
        self.items: list[Item] = []

    def add(self, *names: str) -> None:
        for name in names:
            path = self.inputs / f"{name}.jpg"
            path.write_bytes(name.encode() * 100)
            self.items.append(Item(location=str(path), name=name, kind="image", size=path.stat().st_size))

    def bundles(self, size: int):
        for first in range(0, len(self.items), size):
            yield tuple(Task(item) for item in self.items[first : first + size])

    def replica(self, seconds=0.02):
        from ray_stand_in import StandIn

        return partial(StandIn, deeds=str(self.deeds), seconds=seconds)

    def settings(self, **options) -> BatchSettings:
        return BatchSettings(out=str(self.out), **options)

    def begun(self) -> Counter:
        """How often each task was begun."""
        lines = [line for file in self.deeds.iterdir() for line in file.read_text(encoding="utf-8").splitlines()]
        return Counter(line.split()[0] for line in lines)

    def busy(self) -> list[tuple[int, int]]:
        """Workers' processes that have begun something, each with its actor's."""
        files = [file for file in self.deeds.iterdir() if file.stat().st_size]
        return [tuple(map(int, file.stem.split("-"))) for file in files]

    def when_begun(self, count: int, do) -> threading.Thread:
        """Do something once so many tasks were begun, on two workers."""

        def watch() -> None:
            until = time.monotonic() + 120
            while (self.begun().total() < count or len(self.busy()) < 2) and time.monotonic() < until:
                time.sleep(0.05)
            do()

        thread = threading.Thread(target=watch)
        thread.start()
        return thread

    def check(self, *, lost=()) -> None:
        """Nothing lost, nothing twice, and the bytes are what they should be."""
        from ray_stand_in import made

        known = list(Manifest(Place.at(self.out)).records())
        assert Counter(record.name for record in known) == Counter(item.name for item in self.items)
        failed = {record.name: record.error_kind for record in known if record.status != "done"}
        assert failed == dict.fromkeys(lost, "lost")
        good = [item for item in self.items if item.name not in lost]
        # What a process leaves that is killed while it writes has a name that says so; the driver clears it away.
        there = {path.name: path.read_bytes() for path in self.out.glob("[!.]*.bin")}
        assert there == {f"{item.name}.bin": made(Path(item.location).read_bytes()) for item in good}


@pytest.fixture
def work(tmp_path, ray_ready):
    return Work(tmp_path)
