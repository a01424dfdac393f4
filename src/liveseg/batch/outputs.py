"""What a batch's outputs are called, and how they get from a worker's own folder to the destination."""

from __future__ import annotations

import contextlib
import posixpath
import queue
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from liveseg.products.kinds import plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liveseg.batch.records import Item
    from liveseg.settings.save import Save


def output_names(item: Item, saves: Sequence[Save], model: str) -> list[str]:
    """The outputs of a file, relative to the destination: those that `liveseg run -o FOLDER/` gives it, in its folder.

    They depend on nothing but the file's name, so that whoever makes them again replaces them.

    Args:
        item: the file.
        saves: what is saved of it.
        model: the model's name.
    """
    folder, _, stem = item.name.rpartition("/")
    # It takes the name of a file, of which it leaves the extension out.
    (paths,) = plan([Path(f"{stem}.source")], saves, "./", model, kinds=[item.kind])
    return [posixpath.join(folder, path.name) for path in paths]


def file_name(item: Item) -> str:
    """What a file is called, without its folders."""
    scheme, address, path = item.location.partition("://")
    if not address:
        return Path(item.location).name
    # Keys of object stores are taken literally, whatever characters they are made of.
    literal = scheme.lower() not in ("http", "https", "file")
    return posixpath.basename(path if literal else unquote(urlsplit(item.location).path)) or item.name


@dataclass(frozen=True)
class Slot:
    """A place in a worker's own folder, for one file and what is made of it.

    The same few names are used over and over: each file that is being written has a lock, and locks stay.
    """

    folder: Path

    def source(self, item: Item) -> Path:
        """Where the file is brought to."""
        return self.folder / f"source{Path(file_name(item)).suffix.lower()}"

    def output(self, number: int, name: str) -> Path:
        """Where one of its outputs is written, before it goes to the destination under its name."""
        return self.folder / f"{number}{Path(name).suffix}"

    def empty(self) -> None:
        """Remove what is in it."""
        for path in self.folder.iterdir():
            with contextlib.suppress(OSError):
                path.unlink()


class Scratch:
    """A folder with a few slots, among the temporary files of the worker, which are removed with it.

    Args:
        slots: how many files are worked on at the same time.
    """

    def __init__(self, slots: int) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="liveseg-batch-"))
        self._free: queue.SimpleQueue[Slot] = queue.SimpleQueue()
        for number in range(slots):
            slot = Slot(self.folder / str(number))
            slot.folder.mkdir()
            self._free.put(slot)

    def take(self) -> Slot:
        """A free slot; waits for one."""
        return self._free.get()

    def give_back(self, slot: Slot) -> None:
        """Empty a slot, for the next one."""
        slot.empty()
        self._free.put(slot)

    def close(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)
