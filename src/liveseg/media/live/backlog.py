"""Keeping up with a stream that comes faster than it can be decoded."""

from __future__ import annotations


class Backlog:
    """Finds out that packets come faster than they are decoded, and leaves some out to catch up.

    What has to wait for no packet in a whole second is behind: the packets that it reads were there before. Then
    packets are read without decoding them until one has to be waited for, and on from there to a key frame.
    """

    _WAITING = 0.004
    _BEHIND_AFTER = 1.0
    _PATIENCE = 10.0

    def __init__(self) -> None:
        self._waited_at: float | None = None
        self._skipping_since: float | None = None
        self._caught_up = False
        self.resumed = False
        """Whether the packet asked about last is the first to be decoded again."""

    def skips(self, waited: float, now: float, *, key_frame: bool) -> bool:
        """Whether to leave this packet undecoded.

        Args:
            waited: seconds that it was waited for.
            now: the time in seconds.
            key_frame: whether it can be decoded without those before it.
        """
        self.resumed = False
        if waited >= self._WAITING or self._waited_at is None:
            self._waited_at = now
            self._caught_up = True
        if self._skipping_since is None:
            if now - self._waited_at <= self._BEHIND_AFTER:
                return False
            self._skipping_since, self._caught_up = now, False
        # Some streams have no key frames, but repair themselves picture by picture.
        if self._caught_up and (key_frame or now - self._skipping_since > self._PATIENCE):
            self._skipping_since = None
            self.resumed = True
            return False
        return True
