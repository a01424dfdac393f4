"""How a training may end before its end."""

from liveseg.errors import LivesegError


class TrainingStoppedError(LivesegError):
    """A training that was stopped by a signal, with its state kept."""


class TrainingFailedError(LivesegError, RuntimeError):
    """A training that cannot go on: the loss is no number, or memory is short."""
