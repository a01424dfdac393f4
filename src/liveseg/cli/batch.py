"""`liveseg batch`: many files on many workers, from where it was left."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated

import typer

from liveseg.cli.batch_progress import listening
from liveseg.cli.options import with_settings
from liveseg.errors import MissingExtraError
from liveseg.settings import BatchSettings

Inputs = Annotated[
    list[str],
    typer.Argument(
        metavar="INPUT...",
        help="Images and videos: folders, globs in quotes, @FILE with a name a line, .csv or .parquet tables with a"
        " column location; here, or at addresses like s3://bucket/folder/, gs://, az:// and https://.",
    ),
]


@with_settings(BatchSettings)
def batch(inputs: Inputs, settings: BatchSettings) -> None:
    """Segment any number of images and videos, with worker processes of this machine or on a Ray cluster.

    Outputs are those of liveseg run --save, named like their files. What is
    done is written down in DEST/_liveseg: ended at any moment, the same command
    does what is left. Bad files are listed there with their reason and stop
    nothing; at the end a report tells of all.

    Exit codes: 0 all done, 1 some files failed, 2 wrong usage, 3 more failed
    than --max-failures allows, 130 stopped.

    liveseg batch plan INPUT tells beforehand what it takes, and liveseg batch
    report DEST afterwards what came of it; a folder of that name is ./plan.

    liveseg batch photos/ --out masks/ --save mask

    liveseg batch s3://bucket/clips/ --out s3://bucket/overlays/ --workers 16
    """
    require_extra()
    from liveseg.batch.drive import drive
    from liveseg.batch.failures import StoppedError

    settings.destination  # noqa: B018 - which says so where it is missing
    with listening(settings) as listener:
        try:
            drive(settings, inputs, listener=listener)
        except KeyboardInterrupt:
            raise StoppedError("ended at once; run the same command again to go on") from None
    listener.tell()
    # Whoever runs shares starts one again that fails, which no bad file gains by: the run on all files tells of these.
    if listener.failed and settings.shard is None:
        raise typer.Exit(1)


def require_extra() -> None:
    """See that what a batch needs is installed.

    Raises:
        MissingExtraError: it is not; the message says how to get it.
    """
    for name in ("fsspec", "pyarrow"):
        if find_spec(name) is None:
            raise MissingExtraError(f"a batch needs {name}: pip install 'liveseg[batch]'")
