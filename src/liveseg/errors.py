"""What can go wrong, one root and few kinds: each message says what is wrong, where, and what to do.

Every class also inherits the standard exception that a caller who has never heard of liveseg would catch.
"""


class LivesegError(Exception):
    """The root of every failure that liveseg raises on purpose; its message is one line for the user."""

    exit_code = 1


class UsageError(LivesegError, ValueError):
    """An option, name or argument that cannot be taken; the command line ends with exit code 2."""

    exit_code = 2


class SourceNotFoundError(LivesegError, FileNotFoundError):
    """An input that does not exist."""


class MediaError(LivesegError, ValueError):
    """An image or video that cannot be read, or holds nothing to read."""


class DataError(LivesegError, ValueError):
    """Labelled photos that cannot be read: a layout that is none, or an image or mask that makes no sense."""


class SinkError(LivesegError, OSError):
    """An output that cannot be written."""


class OutputExistsError(SinkError, FileExistsError):
    """An output that is already there, where overwriting was not asked for."""


class MissingExtraError(LivesegError, ImportError):
    """A capability whose optional dependency is not installed; the message names the extra."""


class DeviceError(LivesegError, RuntimeError):
    """A device, provider or runtime that was asked for and is not there."""


class WeightsError(LivesegError, ValueError):
    """Weights that are corrupt, of another architecture, or unsafe to read."""


class WeightsUnavailableError(WeightsError, FileNotFoundError):
    """Weights that are neither in the cache nor to be had from the network."""


class DownloadError(WeightsUnavailableError, ConnectionError):
    """A download that failed after its retries, or whose bytes are not the published ones."""


class ParityError(LivesegError, RuntimeError):
    """An exported model whose results differ from eager PyTorch by more than the stated limit."""
