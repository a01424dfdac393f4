"""One run on one destination, wherever that is.

Each run that takes a destination does so under a number of its own, the next one, by creating a file that must be new:
of several that try, one succeeds, on every store that knows such a condition. The highest number holds. Its holder
writes a count into its file that goes on as long as it lives. Who finds another's file watches that count for the time
that the file states, by its own clock that only goes forward, so that what time it is on other machines does not
matter. A file is never written by another than its holder, so a run that was paused can tell that it was replaced.

Runs on shares of the files hold a destination together, each with a lock of its own, if they agree on how many shares
there are. A run on all files is alone: it and they look for each other once they have claimed, so that none of them is
overlooked; of two that begin at the same moment both may be refused.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from liveseg.batch.manifest.contents import newest_number
from liveseg.batch.manifest.errors import DestinationBusyError, LostLockError
from liveseg.batch.manifest.holder import Holder, alive_here, forget, sign_of_life, this_host
from liveseg.batch.manifest.layout import LOCK, SHARES, number_of, numbered, share_folder, share_of
from liveseg.batch.places.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from liveseg.batch.places import Place
    from liveseg.settings.shard import Shard

BEATS = 12
"""Signs of life within the time after which silence counts as death."""
_END_SECONDS = 5.0
_WATCHERS = 16


class Lock:
    """Holds a destination for one run; a context manager.

    Args:
        place: the destination.
        owner: what the run calls itself, for the messages of others.
        seconds: of silence, after which others may take over.
        notice: told in a line that it is waiting to see whether the last holder lives.
        host: what this machine is called.
        share: of the files that the run is about; `None` for all of them.
    """

    def __init__(
        self,
        place: Place,
        owner: str,
        *,
        seconds: float = 120.0,
        notice: Callable[[str], None] | None = None,
        host: str | None = None,
        share: Shard | None = None,
    ) -> None:
        self._place = place
        self._share = share
        self._folder = LOCK if share is None else share_folder(share.index, share.count)
        self._notice = notice or (lambda _: None)
        self._holder = Holder(
            owner=owner,
            host=host or this_host(),
            process=os.getpid(),
            nonce=secrets.token_hex(8),
            since=time.time(),
            seconds=seconds,
        )
        self._number = 0
        self._sign = sign_of_life(self._holder.nonce)
        self._ended = threading.Event()
        self._beating = threading.Thread(target=self._beat, name="lock", daemon=True)
        self._lost: LostLockError | None = None

    def __enter__(self) -> Self:
        """Take the destination; waits as long as it takes to see whether the last holder lives.

        Raises:
            DestinationBusyError: it lives.
            StorageError: the destination cannot be written.
        """
        self._sign.acquire()
        try:
            while not self._claim(self._free_after(self._folder)):
                pass  # another run was quicker: it is the holder to look at now
        except BaseException:
            self._drop_sign()
            raise
        self._beating.start()
        try:
            self._see_that_others_are_gone()
        except BaseException:
            self._give_back()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._give_back()

    def _give_back(self) -> None:
        self._ended.set()
        self._beating.join(_END_SECONDS)
        # Where it cannot be said that the destination is free, the next run sees so by itself, after some silence.
        if not self._beating.is_alive():
            with suppress(StorageError, LostLockError):
                self.check()
                self._holder = replace(self._holder, released=True)
                self._write()
        self._drop_sign()

    def check(self) -> None:
        """See that the destination is still this run's, as before everything that must not be done by two.

        Raises:
            LostLockError: it is not.
            StorageError: it cannot be told.
        """
        if self._lost is not None:
            raise self._lost
        newest = newest_number(self._place, self._folder)
        if newest is not None and newest != self._number:
            self._lost = LostLockError(
                f"{self._place.address} was taken over by {self._who(newest)}, since nothing was heard of this run for "
                f"{self._holder.seconds:g} seconds; what is done is kept: wait until that run ends, or start this one "
                "again after it"
            )
            raise self._lost

    def _see_that_others_are_gone(self) -> None:
        """Look for runs that may not be beside this one: of all files beside shares, or of other shares than these.

        Raises:
            DestinationBusyError: one of them lives.
        """
        found = {share for name, _ in self._place.names(SHARES) if (share := share_of(name)) is not None}
        if self._share is None:
            others = {folder for folder, _ in found}
        else:
            others = {LOCK} | {folder for folder, count in found if count != self._share.count}
        if others:
            # Beside each other: each of them may have to be watched for a while.
            with ThreadPoolExecutor(_WATCHERS, thread_name_prefix="lock") as pool:
                list(pool.map(self._free_after, others))

    @property
    def lost(self) -> bool:
        """Whether it is known already that another run has taken over."""
        return self._lost is not None

    def _free_after(self, folder: str) -> int:
        """The highest number, once nobody holds the destination under it.

        Raises:
            DestinationBusyError: somebody does.
        """
        watched: tuple[int, bytes] | None = None
        silence = told = 0.0
        while True:
            number = newest_number(self._place, folder)
            if number is None:
                return 0
            data = self._read(number, folder)
            if data is None:
                continue  # replaced by a newer one since the listing
            holder = Holder.from_json(data)
            if holder is not None:
                if holder.released:
                    return number
                alive = alive_here(holder, self._holder.host)
                if alive is False:
                    self._notice(f"going on after {holder}, which has died")
                    return number
                if alive or (watched is not None and watched != (number, data)):
                    raise DestinationBusyError(
                        f"{self._place.address} is being written by {holder}; wait until that run ends, stop it, or "
                        "choose another --out"
                    )
            patience = holder.seconds if holder is not None else self._holder.seconds
            now = time.monotonic()
            if watched is None:
                self._notice(f"waiting up to {patience:g} seconds to see whether {holder or 'another run'} is alive")
            else:
                # Time in which this process was paused itself says nothing: the holder may have been, too.
                silence += min(now - told, 2 * self._pause(patience))
            if silence >= patience:
                return number
            watched, told = (number, data), now
            time.sleep(self._pause(patience))

    @staticmethod
    def _pause(patience: float) -> float:
        return min(patience / BEATS / 2, 5.0)

    def _claim(self, after: int) -> bool:
        self._number = after + 1
        name = numbered(self._folder, self._number)
        self._place.commit_bytes(self._holder.to_json(), name, only_new=True)
        # The answer may have been lost on the way and the request sent again: what is there now decides.
        there = self._read(self._number)
        found = Holder.from_json(there) if there is not None else None
        if found is None or found.nonce != self._holder.nonce:
            return False
        if newest_number(self._place, self._folder) != self._number:
            return False
        for old, _ in list(self._place.names(self._folder)):
            if (number := number_of(old)) is not None and number < self._number:
                # A leftover does no harm: only the highest number counts.
                with suppress(StorageError):
                    self._place.delete(old)
        return True

    def _beat(self) -> None:
        while not self._ended.wait(self._holder.seconds / BEATS):
            try:
                self.check()
                self._holder = replace(self._holder, beat=self._holder.beat + 1)
                self._write()
            except LostLockError:
                return
            except StorageError:
                continue  # the store may come back; whoever takes over in the meantime is noticed then

    def _write(self) -> None:
        self._place.commit_bytes(self._holder.to_json(), numbered(self._folder, self._number))

    def _read(self, number: int, folder: str | None = None) -> bytes | None:
        try:
            return self._place.read(numbered(folder or self._folder, number))
        except FileNotFoundError:
            return None

    def _who(self, number: int) -> str:
        data = self._read(number)
        return str((Holder.from_json(data) if data else None) or "another run")

    def _drop_sign(self) -> None:
        self._sign.release()
        forget(self._holder.nonce)
