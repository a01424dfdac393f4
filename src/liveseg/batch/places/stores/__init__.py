"""The requests that each kind of store understands, one at a time; what is tried again stands in `remote`."""

from __future__ import annotations
