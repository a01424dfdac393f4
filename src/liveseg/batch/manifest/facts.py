"""What a run was: kept beside its results, so that the next run can tell whether it would make the same."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from liveseg.batch.manifest.errors import ChangedSettingsError, ManifestError
from liveseg.batch.manifest.layout import FORMAT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """What a run was told and what it ran with.

    Args:
        run: its identifier.
        started: seconds since 1970.
        settings: the options that decide the outputs, by their field names, as plain JSON values.
        settings_hash: of everything that decides the outputs; two runs with the same one make the same bytes.
        model: its name.
        weights: digest of its weights.
        version: of liveseg.
        inputs: as they were given, without credentials.
        host: the machine that drove it.
    """

    run: str
    started: float
    settings: Mapping[str, Any]
    settings_hash: str
    model: str = ""
    weights: str = ""
    version: str = ""
    inputs: tuple[str, ...] = ()
    host: str = ""
    format: int = field(default=FORMAT, init=False)

    def to_json(self) -> bytes:
        """As the file that keeps it."""
        return (json.dumps(asdict(self), indent=1, default=str) + "\n").encode()

    @classmethod
    def from_json(cls, data: bytes, name: str) -> RunFacts:
        """Read what `to_json` wrote; fields that are not known are left out.

        Raises:
            ManifestError: it is damaged, or a newer liveseg wrote it.
        """
        try:
            told = json.loads(data)
            if told.get("format", FORMAT) > FORMAT:
                raise ManifestError(f"{name} was written by a newer liveseg; upgrade this one")
            known = {own.name for own in fields(cls) if own.init}
            own = {key: value for key, value in told.items() if key in known}
            return cls(**(own | {"inputs": tuple(own.get("inputs", ()))}))
        except (ValueError, TypeError, AttributeError) as error:
            raise ManifestError(f"{name} is damaged; delete it, or choose another --out") from error


def refuse_changes(before: RunFacts, now: RunFacts, address: str) -> None:
    """See that a run makes what its destination holds already.

    Raises:
        ChangedSettingsError: it would not; the message names what differs.
    """
    if before.settings_hash == now.settings_hash:
        return
    differ = "; ".join(_differences(before, now)) or "what decides the outputs has changed"
    raise ChangedSettingsError(
        f"{address} holds results of other settings: {differ}; add --on-changed redo to make them all again, "
        "take the settings back, or choose another --out"
    )


def _differences(before: RunFacts, now: RunFacts) -> Iterator[str]:
    for name in sorted(before.settings.keys() | now.settings.keys()):
        had, has = before.settings.get(name), _as_read(now.settings.get(name))
        if had != has:
            yield f"--{name.replace('_', '-')} was {_word(had)} and is {_word(has)}"
    if before.weights != now.weights:
        yield f"the weights of {now.model or 'the model'} are others"
    if before.version != now.version:
        yield f"liveseg was {before.version or 'another'} and is {now.version or 'another'}"


def _as_read(value: Any) -> Any:
    """As it would be after it was written: tuples are lists there."""
    return json.loads(json.dumps(value, default=str))


def _word(value: Any) -> str:
    match value:
        case None:
            return "not set"
        case bool():
            return "on" if value else "off"
        case list():
            return ",".join(map(str, value)) or "none"
        case _:
            return str(value)
