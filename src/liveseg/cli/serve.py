"""`liveseg serve`: a page in the browser, and the same as an API."""

from __future__ import annotations

import os
import sys

from liveseg.cli.console import out
from liveseg.cli.options import with_settings
from liveseg.errors import MissingExtraError
from liveseg.settings import ServeSettings


@with_settings(ServeSettings)
def serve(settings: ServeSettings) -> None:
    """Serve a page in the browser, and the same as an API, to this machine: pictures, videos, cameras and streams.

    Ctrl-C ends it; what is running is finished first. docs/serve.md has more on running it for others.
    """
    try:
        import fastapi
        import prometheus_client
        import python_multipart
        import uvicorn
        import websockets
    except ImportError as error:
        raise MissingExtraError(f"serving needs {error.name}: pip install 'liveseg[serve]'") from error
    del fastapi, python_multipart, prometheus_client, uvicorn, websockets
    from liveseg.server.run import serve as run

    # Standard error is the log's.
    ended = run(settings, tell_user=lambda line: out.print(line, markup=False, highlight=False, soft_wrap=True))
    if not ended:
        # Everything is put away; only the interpreter is left, which must not be taken down under a running thread.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
