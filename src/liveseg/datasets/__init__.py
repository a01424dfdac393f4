"""Labelled photos: what `liveseg eval` measures on and `liveseg train` learns from."""

from liveseg.datasets.base import Dataset, Sample
from liveseg.datasets.mapping import map_to
from liveseg.datasets.open import LAYOUTS, find_splits, open_dataset
from liveseg.datasets.split import split_dataset

__all__ = ["LAYOUTS", "Dataset", "Sample", "find_splits", "map_to", "open_dataset", "split_dataset"]
