"""`VideoJobs`: the videos that were sent, the queue that they wait in, and the end of each."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections import Counter, deque
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from liveseg.errors import SinkError
from liveseg.server.log import tell
from liveseg.server.problems import Problem, not_ready, retry
from liveseg.server.videos.allowance import task_of
from liveseg.server.videos.answers import VideoFailure
from liveseg.server.videos.child import WorkerError, run_worker
from liveseg.server.videos.job import ACTIVE, VideoJob
from liveseg.server.videos.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from liveseg.server.metrics import Metrics
    from liveseg.server.videos.answers import VideoOptions
    from liveseg.settings import ServeSettings

QUEUE = 32
"""Videos of all clients that wait at most; more are refused."""

KEPT = 4
"""Results of a client that are kept, for each video that it may have in work; older ones expire early."""

PATIENCE = 20.0
"""How many times its longest video's length a job may take before it is ended; at least an hour."""

_SWEEP_SECONDS = 5.0
_REMEMBERED = 200
"""Jobs of a client that are remembered after their files are gone; the oldest are forgotten first."""


class VideoJobs:
    """The videos of one service. For the event loop's thread only.

    Args:
        settings: of the service.
        metrics: told how many jobs there are in each state.

    Attributes:
        store: where the files are, once it has started.
    """

    def __init__(self, settings: ServeSettings, metrics: Metrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._jobs: dict[str, VideoJob] = {}
        self._waiting: deque[VideoJob] = deque()
        self._coming: Counter[str] = Counter()
        self._some = asyncio.Event()
        self._runners: list[asyncio.Task[None]] = []
        self._working: dict[str, asyncio.Task[None]] = {}
        self._stopping = False
        self.store: Store | None = None

    async def start(self) -> None:
        """Make the folder, remove what an earlier process left, and begin to take jobs.

        Raises:
            SinkError: the folder cannot be made or written.
        """
        self.store = await asyncio.to_thread(Store, self._settings.data_folder)
        if self.store.removed:
            tell("removed videos of earlier runs", runs=self.store.removed)
        self._runners = [asyncio.create_task(self._run()) for _ in range(self._settings.jobs_running)]
        self._runners.append(asyncio.create_task(self._sweep()))
        for task in self._runners:
            task.add_done_callback(_tell_defect)
        self._count()

    async def stop(self) -> None:
        """End all jobs and remove all files: a restart knows nothing of them, so nobody could fetch a result."""
        self._stopping = True
        for task in [*self._working.values(), *self._runners]:
            task.cancel()
        await asyncio.gather(*self._working.values(), *self._runners, return_exceptions=True)
        for job in self._jobs.values():
            if job.state in ACTIVE:
                job.end("failed", VideoFailure(title="The service stopped", detail="send it again when it is back"))
        if self.store is not None:
            await asyncio.to_thread(self.store.close)
        self._count()

    @contextmanager
    def admitted(self, client: str) -> Iterator[str]:
        """Have a place for a video that is about to be sent; it counts as one of the client's until it is submitted.

        Yields:
            The id that the job will have; its folder is there.

        Raises:
            Problem: the client has too many already, the queue is full, or the service is not ready.
        """
        if self._stopping or self.store is None:
            raise not_ready("the service takes no videos now; try again soon")
        own = sum(job.client == client and job.state in ACTIVE for job in self._jobs.values())
        if own + self._coming[client] >= self._settings.jobs_each:
            raise Problem(
                429,
                f"{self._settings.jobs_each} videos of this client wait or are worked on, and more are not taken; wait"
                " for one, or cancel it",
                headers=retry(self._soon()),
                type="too-many-videos",
            )
        if len(self._waiting) + self._coming.total() >= QUEUE:
            raise Problem(429, "too many videos wait; try again later", headers=retry(self._soon()), type="queue-full")
        number = secrets.token_urlsafe(15)
        try:
            self.store.make(number)
        except SinkError as error:
            # Where that is, and why, concerns whoever runs the service.
            tell("no folder for a video", level=logging.ERROR, why=str(error))
            raise Problem(507, "the service has no room for this video now; try again later") from error
        self._coming[client] += 1
        try:
            yield number
        finally:
            self._coming[client] -= 1
            # A counter keeps what has come to 0, and there is no end of clients.
            self._coming += Counter()
            if number not in self._jobs:
                self.store.remove(number)

    def submit(self, number: str, client: str, name: str, options: VideoOptions, size: int) -> VideoJob:
        """Put a video that was received into the queue.

        Args:
            number: the id, of `admitted`, whose folder holds the video.
            client: who sent it.
            name: what the client called it.
            options: what is to be made of it.
            size: bytes that were sent.

        Raises:
            Problem: the service has begun to stop meanwhile.
        """
        if self._stopping or self.store is None:
            raise not_ready("the service is stopping; send it again when it is back")
        job = VideoJob(
            number, client, name, self.store.folder / number, options, size, self._settings.jobs_kept_seconds
        )
        self._jobs[number] = job
        self._waiting.append(job)
        self._some.set()
        self._count()
        return job

    def find(self, number: str) -> VideoJob:
        """A job by its id.

        Raises:
            Problem: there is none.
        """
        job = self._jobs.get(number)
        if job is None:
            raise Problem(404, "no such video here; it was forgotten, or never was", type="unknown-video")
        return job

    def of(self, client: str) -> list[VideoJob]:
        """The jobs of a client, the newest first."""
        return [job for job in reversed(self._jobs.values()) if job.client == client]

    def place(self, job: VideoJob) -> int | None:
        """Where a job stands in the queue, from 1; `None` for one that does not wait."""
        return self._waiting.index(job) + 1 if job in self._waiting else None

    async def remove(self, number: str) -> None:
        """Cancel a job that waits or is worked on, and remove its files; forget one that has ended.

        Raises:
            Problem: there is no such job.
        """
        job = self.find(number)
        if job.state not in ACTIVE:
            await self._drop_files(job)
            self._jobs.pop(number, None)
            self._count()
            return
        job.end("cancelled")
        with contextlib.suppress(ValueError):
            self._waiting.remove(job)
        working = self._working.get(number)
        if working is not None:
            working.cancel()
            await asyncio.wait([working])
        await self._drop_files(job)
        self._count()

    def served(self, name: str | None) -> str:
        """The name of the model that a client means.

        Raises:
            UnknownModel: it is not offered.
        """
        from liveseg.server.engine.errors import UnknownModel

        names = [served.name for served in self._settings.served]
        if name is None:
            return names[0]
        if name not in names:
            raise UnknownModel(name, names)
        return name

    async def _run(self) -> None:
        """Work through the queue, one video after the other."""
        while True:
            while not self._waiting:
                self._some.clear()
                await self._some.wait()
            job = self._waiting.popleft()
            job.begin()
            self._count()
            # A task of its own, so that it can be cancelled without this one.
            work = asyncio.create_task(self._work(job))
            self._working[job.id] = work
            try:
                await asyncio.wait([work])
            finally:
                self._working.pop(job.id, None)
            if job.state == "cancelled":
                await self._drop_files(job)
            elif not work.cancelled() and (defect := work.exception()) is not None:
                tell("defect", level=logging.ERROR, error=defect)
                await self._settle(job, "this is a bug in liveseg; the service's log has more")
            self._count()

    async def _work(self, job: VideoJob) -> None:
        task = task_of(job, self._settings)
        most = max(PATIENCE * self._settings.max_video_seconds, 3600.0)
        failure: str | None = None
        try:
            async with asyncio.timeout(most):
                await run_worker(task, job.told)
        except TimeoutError:
            failure = f"it took longer than {most:g} s; send a shorter or smaller video"
        except WorkerError as error:
            failure = str(error)
            tell("video worker ended", level=logging.WARNING, why=str(error), last_words=error.last_words or None)
        except OSError as error:
            failure = "the service could not start a process for it; try again later"
            tell("video worker not started", level=logging.ERROR, why=str(error))
        await self._settle(job, failure)

    async def _settle(self, job: VideoJob, failure: str | None) -> None:
        """The worker has ended; what was told of it is so from now."""
        if job.state != "running":
            return
        if job.ending == "done" and failure is None:
            # What was sent is not needed any more; only the result is kept.
            await asyncio.to_thread(job.upload.unlink, missing_ok=True)
            job.end("done")
            await self._make_room(job.client)
            return
        await self._drop_files(job)
        own = None if failure is None else VideoFailure(title="This video could not be finished", detail=failure)
        job.end("failed", own)

    async def _make_room(self, client: str) -> None:
        """Let a client's oldest results expire where there are too many, so that nobody fills the disk."""
        done = [job for job in self.of(client) if job.state == "done"]
        for job in done[KEPT * self._settings.jobs_each :]:
            job.state = "expired"
            await self._drop_files(job)

    async def _sweep(self) -> None:
        """Remove what has expired."""
        while True:
            await asyncio.sleep(min(_SWEEP_SECONDS, self._settings.jobs_kept_seconds / 4))
            now = datetime.now(UTC)
            for job in list(self._jobs.values()):
                if job.expires is not None and job.expires <= now:
                    await self._drop_files(job)
                    if job.state == "done":
                        job.state = "expired"
            self._forget(now)
            self._count()

    def _forget(self, now: datetime) -> None:
        """Forget what ended long ago, and of what ended in great numbers the oldest."""
        ended: Counter[str] = Counter()
        for job in reversed(list(self._jobs.values())):
            if job.expires is None or (job.state == "done" and job.expires > now):
                continue
            ended[job.client] += 1
            old = job.expires + timedelta(seconds=self._settings.jobs_kept_seconds) <= now
            if (old or ended[job.client] > _REMEMBERED) and not job.folder.exists():
                del self._jobs[job.id]

    async def _drop_files(self, job: VideoJob) -> None:
        if self.store is not None:
            await asyncio.to_thread(self.store.remove, job.id)

    def _soon(self) -> float:
        """Seconds until a place is likely to be free."""
        left = [seconds for job in self._jobs.values() if (seconds := job.remaining()) is not None]
        return min(max(min(left), 1.0), 600.0) if left else 10.0

    def _count(self) -> None:
        states: dict[str, int] = Counter(job.state for job in self._jobs.values())
        self._metrics.jobs(states)


def _tell_defect(task: asyncio.Task[None]) -> None:
    """What goes on as long as the service does has ended."""
    if not task.cancelled() and (error := task.exception()) is not None:
        tell("defect", level=logging.ERROR, error=error)
