"""The routes by which what was made of a video is fetched, and what is there of it while it is made."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from liveseg.server.problems import Problem
from liveseg.server.videos.answers import AreasOverTime, ClassOverTime
from liveseg.server.videos.areas import read_areas, thinned
from liveseg.server.videos.outputs import OUTPUTS
from liveseg.server.videos.ranged import RangedFile

if TYPE_CHECKING:
    from pathlib import Path as File

    from liveseg.server.videos.job import VideoJob
    from liveseg.server.videos.jobs import VideoJobs

    Responses = dict[int | str, dict[str, Any]]

PROBLEM: dict[str, Any] = {"content": {"application/problem+json": {}}}
UNKNOWN: Responses = {404: {"description": "No such video.", **PROBLEM}}
_NOT_THERE: Responses = {
    **UNKNOWN,
    409: {"description": "It is not there yet.", **PROBLEM},
    410: {"description": "It is gone: failed, cancelled or expired.", **PROBLEM},
}
_RESULT: Responses = {
    200: {"description": "The whole of it.", "content": {kind.media_type: {} for kind in OUTPUTS.values()}},
    206: {"description": "The range that was asked for."},
    304: {"description": "It has not changed."},
    416: {"description": "The range lies outside of it.", **PROBLEM},
    **_NOT_THERE,
}
_IMAGE: Responses = {200: {"content": {"image/jpeg": {}}}, **_NOT_THERE}

Number = Annotated[str, Path(alias="id", pattern=r"^[A-Za-z0-9_-]{20}$", description="The job's `id`.")]


def add_results(routes: APIRouter, videos: VideoJobs) -> None:
    """Add the routes to a router of videos."""

    async def result(
        number: Number,
        download: Annotated[bool, Query(description="Have browsers save it rather than show it.")] = False,
    ) -> Response:
        """What was made, whole or in ranges."""
        job = _finished(videos.find(number))
        try:
            stat = await asyncio.to_thread(job.result.stat)
        except FileNotFoundError:
            raise _gone(job) from None
        media_type = OUTPUTS[job.options.output].media_type
        attachment = download or not OUTPUTS[job.options.output].video
        return RangedFile(job.result, stat, media_type=media_type, name=job.download_name, attachment=attachment)

    async def preview(number: Number) -> Response:
        """The newest finished frame as a small JPEG; it changes about once a second while the video is made."""
        job = videos.find(number)
        return await _picture(job, job.preview)

    async def poster(number: Number) -> Response:
        """Of the frames that previews were made of, the one with most to see."""
        job = videos.find(number)
        return await _picture(job, job.poster)

    for path, answer, summary, responses in (
        ("/{id}/result", result, "What was made", _RESULT),
        ("/{id}/preview.jpg", preview, "The newest frame", _IMAGE),
        ("/{id}/poster", poster, "The frame with most to see", _IMAGE),
    ):
        # The service answers HEAD by what GET begins with.
        routes.add_api_route(path, answer, response_class=Response, summary=summary, responses=responses)

    @routes.get("/{id}/areas", summary="The areas over time", responses=_NOT_THERE)
    async def areas(
        number: Number,
        points: Annotated[int, Query(ge=1, le=20_000, description="At most so many; frames are averaged.")] = 1000,
    ) -> AreasOverTime:
        """How much of the picture each class covers over time, also while the video is worked on."""
        job = _begun(videos.find(number))
        return await asyncio.to_thread(_areas, job, points)


def _finished(job: VideoJob) -> VideoJob:
    if job.state in ("queued", "running"):
        raise Problem(409, f"the video is {job.state}; ask for it when its state is done", type="not-yet")
    if job.state != "done":
        raise _gone(job)
    return job


def _begun(job: VideoJob) -> VideoJob:
    if job.state == "queued" or (job.state == "running" and job.labels is None):
        raise Problem(409, "nothing of it is there yet; ask again when it runs", type="not-yet")
    if job.state not in ("running", "done") or job.labels is None:
        raise _gone(job)
    return job


def _gone(job: VideoJob) -> Problem:
    return Problem(410, f"the video has {job.state}, and nothing of it is kept; send it again", state=job.state)


async def _picture(job: VideoJob, path: File) -> Response:
    _begun(job)
    try:
        data = await asyncio.to_thread(path.read_bytes)
    except FileNotFoundError:
        if job.state in ("running", "queued"):
            raise Problem(409, "there is no frame yet; ask again in a moment", type="not-yet") from None
        raise _gone(job) from None
    return Response(data, media_type="image/jpeg")


def _areas(job: VideoJob, points: int) -> AreasOverTime:
    labels = job.labels
    if labels is None:
        raise _gone(job)
    series = read_areas(job.areas, len(labels))
    times, shares = thinned(series, points)
    means = series["share"].mean(axis=0) if len(series) else []
    seen = [index for index, mean in enumerate(means) if mean > 0]
    return AreasOverTime(
        frames=len(series),
        times=[round(float(time), 3) for time in times],
        classes=[
            ClassOverTime(
                index=index,
                name=labels.names[index],
                color=labels.palette[index],
                share=[round(float(share), 5) for share in shares[:, index]],
            )
            for index in sorted(seen, key=lambda index: -means[index])
        ],
    )
