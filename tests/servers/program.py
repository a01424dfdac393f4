"""What the server programs have in common: commands on standard input, faults to order, and an end.

Each line of input is a command, answered by a line of JSON. A program whose parent has died reads the end of its
input and goes; one that was forgotten goes after its time.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

USER, PASSWORD = "user", "s3cret"


class Faults:
    """What is wrong with a server's streams at the moment: commands set it, senders ask."""

    def __init__(self) -> None:
        self.frozen = threading.Event()
        self.small = False
        self.broken = 0
        self.soiled = 0

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the next picture."""
        return (320, 240) if self.small else (640, 480)

    def freeze(self) -> None:
        """Send no pictures, and keep the connections."""
        self.frozen.set()

    def thaw(self) -> None:
        """Go on, with pictures of then."""
        self.frozen.clear()

    def resize(self) -> None:
        """Send pictures of another size."""
        self.small = not self.small

    def soil(self) -> None:
        """Send garbage, once on each connection, then go on."""
        self.soiled += 1

    def break_off(self) -> None:
        """End each connection amid a picture."""
        self.broken += 1

    def reset(self) -> None:
        """Have no fault."""
        self.small = False
        self.thaw()

    def commands(self) -> dict[str, Callable[[], object]]:
        """The commands that order faults of streams."""
        return {
            "freeze": self.freeze,
            "thaw": self.thaw,
            "resize": self.resize,
            "soil": self.soil,
            "break_off": self.break_off,
            "reset": self.reset,
        }

    def ticks(self, ended: threading.Event, rate: float = 25.0) -> Iterator[int]:
        """Count from 0 at a rate until ended; nothing comes while frozen, and nothing is made up for afterwards."""
        number, due = 0, time.monotonic()
        while not ended.wait(max(due - time.monotonic(), 0)):
            if not self.frozen.is_set():
                yield number
                number += 1
            due = max(due + 1 / rate, time.monotonic() - 1 / rate)


def say(**what: object) -> None:
    """Answer the parent with a line of JSON."""
    print(json.dumps(what), flush=True)


def obey(commands: dict[str, Callable[[], object]], seconds: float) -> None:
    """Carry out what the parent asks until it goes, or for so many seconds; then end the whole program."""
    timer = threading.Timer(seconds, os._exit, args=(3,))
    timer.daemon = True
    timer.start()
    for line in sys.stdin:
        try:
            commands[line.strip()]()
        except Exception as error:  # noqa: BLE001 - told to the parent, whose test then fails with it
            say(command=line.strip(), error=f"{type(error).__name__}: {error}")
        else:
            say(command=line.strip())
    # Not sys.exit: threads of senders and connections must not keep the program.
    os._exit(0)
