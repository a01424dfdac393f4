"""The version of liveseg, read by the build and by `liveseg --version`."""

__version__ = "0.1.0"
