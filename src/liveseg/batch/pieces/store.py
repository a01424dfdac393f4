"""Where the parts of a long video wait at the destination until they are joined."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from liveseg.batch.pieces.part import Part, SeamError
from liveseg.batch.places.errors import NotStoredError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liveseg.batch.places import Place
    from liveseg.batch.records import Identifier

FOLDER = "_liveseg/pieces"
_PART = "part.json"
_JOINED = "joined.json"


@dataclass(frozen=True)
class PieceStore:
    """The parts of one video at the destination, `_liveseg/pieces/<identifier>/<index>-<count>/`.

    A part is there once its `part.json` is, which is written last. Once the joined outputs are committed, `joined.json`
    says so and what they are, and the parts go: a joiner that is killed after that needs no parts any more.

    Args:
        place: the destination.
        identifier: of the video.
        count: how many pieces it has.
    """

    place: Place
    identifier: Identifier
    count: int

    def name(self, index: int, file: str = _PART) -> str:
        """What a file of a part is called at the destination; by default what says that it is done."""
        return f"{FOLDER}/{self.identifier}/{index}-{self.count}/{file}"

    def parts(self, settings: str) -> list[Part]:
        """All parts, in their order.

        Raises:
            SeamError: one is not there, or was made with other settings.
            StorageError: the storage does not give them.
        """
        found = []
        for index in range(self.count):
            try:
                part = Part.from_json(self.place.read(self.name(index)))
            except NotStoredError as error:
                raise SeamError(f"piece {index} of {self.count} is not there") from error
            if part.settings != settings:
                raise SeamError(f"piece {index} of {self.count} was made with other settings")
            found.append(part)
        return found

    def joined(self, settings: str) -> dict[str, Any] | None:
        """What was joined, where that was committed with these settings; `None` where it was not."""
        try:
            record: dict[str, Any] = json.loads(self.place.read(self._joined))
        except (NotStoredError, ValueError):
            return None
        return record if record.get("settings") == settings else None

    def retire(self, settings: str, outputs: Sequence[str], **made: object) -> None:
        """Note that the outputs are committed, then remove the parts."""
        record = {"settings": settings, "outputs": list(outputs), **made}
        self.place.commit_bytes(json.dumps(record).encode(), self._joined)
        for index in range(self.count):
            self.place.delete_all(self.name(index, "").rstrip("/"))

    @property
    def _joined(self) -> str:
        return f"{FOLDER}/{self.identifier}/{_JOINED}"
