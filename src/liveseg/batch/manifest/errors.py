"""What ends a run for the sake of the destination's record of what is done."""

from __future__ import annotations

from liveseg.errors import LivesegError, UsageError


class ManifestError(LivesegError, OSError):
    """A manifest that cannot be read, or that changed while it was read."""


class ChangedSettingsError(UsageError):
    """A destination that holds results of other settings."""


class DestinationBusyError(LivesegError, BlockingIOError):
    """A destination that another run is writing to."""


class LostLockError(LivesegError, ConnectionAbortedError):
    """A run that was silent for so long that another one has taken over its destination."""
