"""What a job's worker is told to do, and how much it may take."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from liveseg.runtimes.base import available_cores
from liveseg.server.videos.task import Task

if TYPE_CHECKING:
    from liveseg.server.videos.job import VideoJob
    from liveseg.settings import ServeSettings

MEMORY = 1 << 30
MEMORY_PER_PIXEL = 200
"""Bytes that a worker may take besides its model: a basis, and frames on their way and in the codecs for each pixel."""

DISK = 1 << 30
DISK_PER_BYTE = 4
"""Bytes of the largest file that a worker may write: a basis, and so many for each byte that was sent."""


def task_of(job: VideoJob, settings: ServeSettings) -> Task:
    """The task of a job's worker, by what was asked for and what the service allows."""
    asked = job.options
    model = next(served for served in settings.served if served.name == asked.model)
    # Every core that nobody waits for: workers run at a lower priority than the service.
    threads = max((settings.threads or available_cores()) // settings.jobs_running, 1)
    return Task(
        folder=str(job.folder),
        name=job.name,
        output=asked.output,
        model=None if model.weights else model.name,
        weights=None if model.weights is None else str(model.weights),
        runtime=settings.runtime,
        device=settings.device,
        precision=settings.precision,
        threads=threads,
        size=asked.size if asked.size is not None else settings.size,  # type: ignore[arg-type]  # settings parsed it
        smooth=asked.smooth,
        alpha=asked.alpha,
        palette=asked.palette,
        classes=None if asked.classes is None else tuple(asked.classes),
        contours=asked.contours,
        max_seconds=settings.max_video_seconds,
        max_pixels=settings.max_video_pixels,
        memory=MEMORY + MEMORY_PER_PIXEL * settings.max_video_pixels,
        disk=DISK + DISK_PER_BYTE * job.size,
        parent=os.getpid(),
    )
