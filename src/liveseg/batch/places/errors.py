"""What can go wrong with a place where files are kept, and whether it is worth another try."""

from __future__ import annotations

from liveseg.errors import LivesegError


class StorageError(LivesegError, OSError):
    """A file or folder, here or in an object store, that cannot be read or written."""

    temporary = False
    """Whether the same request may succeed a little later."""


class NotStoredError(StorageError, FileNotFoundError):
    """A file or folder that is not there."""


class NoBucketError(NotStoredError):
    """A bucket or container that is not there."""


class AccessError(StorageError, PermissionError):
    """Credentials that are missing, wrong, or not enough."""


class BusyError(StorageError):
    """A store that asked for patience, did not answer in time, or broke the connection."""

    temporary = True


class DamagedError(StorageError):
    """Bytes that are not those that the store says it has: too few of them, or of another checksum."""

    temporary = True


class ReplacedError(StorageError):
    """A file that was replaced by another while it was read."""

    temporary = True
