"""Stores, opened once a process: one connection pool for all places with the same options."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from liveseg.batch.places.address import EXTRAS, HTTP, options_for, scheme_of
from liveseg.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liveseg.batch.places.stores.base import Store

# By process, too: a forked child inherits connections and event loops that it must neither use nor close, so the
# parent's stay in here, untouched.
_stores: dict[tuple[int, str, str], Store] = {}
_lock = threading.Lock()


def _after_fork() -> None:
    global _lock  # noqa: PLW0603 - another thread of the parent may have held it
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def store_of(address: str, options: Mapping[str, Any] | None) -> Store:
    """The store that has an address, with these options, for this process.

    Raises:
        MissingExtraError: the package that knows it is not installed.
        UsageError: a scheme that nobody knows, or options that it does not take.
    """
    scheme = scheme_of(address) or ""
    own = options_for(scheme, options)
    if EXTRAS.get(scheme) == "azure" and "@" in (netloc := urlsplit(address).netloc):
        # As in abfss://container@account.dfs.core.windows.net/folder
        own.setdefault("account_name", netloc.rpartition("@")[2].partition(".")[0])
    key = (os.getpid(), scheme, repr(sorted(own.items())))
    with _lock:
        if key not in _stores:
            _stores[key] = _open(scheme, own)
        return _stores[key]


def _open(scheme: str, options: dict[str, Any]) -> Store:
    if scheme in HTTP:
        from liveseg.batch.places.stores.http import HttpStore

        return HttpStore(options)
    try:
        match EXTRAS.get(scheme):
            case "s3":
                from liveseg.batch.places.stores.s3 import S3Store

                return S3Store(scheme, options)
            case "gcs":
                from liveseg.batch.places.stores.gcs import GcsStore

                return GcsStore(scheme, options)
            case "azure":
                from liveseg.batch.places.stores.azure import AzureStore

                return AzureStore(scheme, options)
            case _:
                from liveseg.batch.places.stores.generic import FsspecStore

                return FsspecStore(scheme, options)
    except ImportError as error:
        extra = EXTRAS.get(scheme, "batch")
        raise MissingExtraError(f"{scheme}:// needs another package: pip install 'liveseg[{extra}]'") from error
    except UsageError:
        raise
    except (TypeError, ValueError) as error:
        # Not the error's own words, which may repeat an option's value.
        raise UsageError(f"the storage options do not fit {scheme}://: {_without(options, str(error))}") from error


def _without(options: Mapping[str, Any], message: str) -> str:
    for value in options.values():
        if isinstance(value, str) and len(value) > 3:
            message = message.replace(value, "***")
    return " ".join(message.split())
