"""The stream of tickets that Ray Data hands to its workers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import ray
from ray.data import Datasource, ReadTask
from ray.data.block import BlockMetadata

if TYPE_CHECKING:
    from collections.abc import Iterator


class TicketDatasource(Datasource):
    """Numbers, one a block, as the feeder wants them: as many as there are workers, and a few more.

    One read task yields them all. It runs on the driver's machine, since Ray would otherwise read again from the
    beginning when the machine is lost that it ran on.

    Args:
        feeder: the handle of the `Feeder`.
    """

    def __init__(self, feeder: Any) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._feeder = feeder

    @property
    def supports_distributed_reads(self) -> bool:
        """Only on the driver's machine."""
        return False

    def estimate_inmemory_data_size(self) -> int | None:
        """Nobody knows how many there will be."""
        return None

    def get_read_tasks(
        self,
        parallelism: int,  # noqa: ARG002
        per_task_row_limit: int | None = None,  # noqa: ARG002
        data_context: Any = None,  # noqa: ARG002
    ) -> list[ReadTask]:
        """The one task, whatever the parallelism."""
        feeder = self._feeder

        def tickets() -> Iterator[pa.Table]:
            number = 0
            while ray.get(feeder.ticket.remote(number)):
                yield pa.table({"ticket": pa.array([number], pa.int64())})
                number += 1

        metadata = BlockMetadata(num_rows=None, size_bytes=None, input_files=None, exec_stats=None)
        return [ReadTask(tickets, metadata)]
