"""Labelled photos: what `liveseg eval` measures on and `liveseg train` learns from."""

from liveseg.datasets.base import Dataset, Sample

__all__ = ["Dataset", "Sample"]
