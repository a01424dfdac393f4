"""What the user wants to be watched, over all sources of a run."""

from __future__ import annotations

import collections
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from liveseg.errors import SinkError, UsageError
from liveseg.events.area_file import AreaFile
from liveseg.events.bound import bind
from liveseg.events.clip import Recorder
from liveseg.events.counts import Counter
from liveseg.events.lines import EventLines
from liveseg.events.rules import parse_rule
from liveseg.events.watcher import Watcher
from liveseg.events.webhook import Webhook
from liveseg.events.zones import parse_zones
from liveseg.files import sink_error
from liveseg.media.paths import path_key

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from liveseg.events.event import Action
    from liveseg.labels import LabelSet
    from liveseg.media.frame import SourceInfo
    from liveseg.products.base import Product
    from liveseg.settings.events import EventSettings

_ACTIONS = ("clip", "webhook", "jsonl")


class Watch:
    """Watches the sources of a run, one after the other or several at once; a context manager that finishes.

    Args:
        settings: what is to be watched, as the user wrote it.
        overwrite: replace files that exist; events are added to theirs anyway.
        resume: go on with a table of areas that exists.

    Raises:
        UsageError: a zone, a rule or an action that cannot be read; the message points at the character.
        OutputExistsError: the table of areas is there already.
        SinkError: a file cannot be written.
    """

    def __init__(self, settings: EventSettings, *, overwrite: bool = False, resume: bool = False) -> None:
        self.notes: list[str] = []
        """What could not be done; filled by `close`."""
        self.zones = parse_zones(settings.zone)
        self._rules = tuple(parse_rule(text) for text in settings.when)
        names = [rule.name for rule in self._rules]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise UsageError(f"--when: two rules are called {twice!r}; begin each with a name of its own, like a: …")
        if settings.then and not self._rules:
            raise UsageError("--then says what happens when a rule holds; write the rule by --when")
        self._settings, self._overwrite = settings, overwrite
        self._clips: Path | None = None
        self._naming = threading.Lock()
        self._stems: collections.Counter[str] = collections.Counter()
        self._actions: list[Action] = []
        self._areas: AreaFile | None = None
        self.files: list[Path] = [] if settings.areas is None else [settings.areas]
        """What the sources share and nothing else may be written to."""
        try:
            for text in settings.then:
                self._add_action(text)
            if settings.areas is not None:
                self._areas = AreaFile(settings.areas, overwrite=overwrite, resume=resume)
        except BaseException:
            self.close()
            raise

    @property
    def wanted(self) -> bool:
        """Whether there is anything to follow sources for; zones alone are only drawn."""
        return bool(self._rules) or self._areas is not None

    @property
    def makes_clips(self) -> bool:
        """Whether the pictures are needed, too."""
        return self._clips is not None

    def check(self, labels: LabelSet) -> None:
        """See that the rules name zones that were declared and classes that there are.

        Raises:
            UsageError: one does not; the message points at it.
        """
        for rule in self._rules:
            bind(rule, labels, self.zones)

    def products(self, name: str, stem: str, info: SourceInfo, labels: LabelSet) -> list[Product]:
        """What follows a source: none, or one product.

        Args:
            name: the source's, without passwords.
            stem: what files that are made of it are called.
            info: what is known of it.
            labels: the classes of its masks.

        Raises:
            UsageError: a rule names what there is not, or a zone holds no pixel of a picture of this size.
        """
        counter = Counter(self.zones)
        counter.check(info.height, info.width)
        if not self.wanted:
            return []
        has_time = info.kind == "video"
        recorder = None
        if self._clips is not None and has_time:
            recorder = Recorder(
                self._clips,
                self._own(stem),
                info,
                before=self._settings.clip_before,
                after=self._settings.clip_after,
                hold=max(rule.seconds for rule in self._rules),
                overwrite=self._overwrite,
            )
        watcher = Watcher(
            name,
            has_time=has_time,
            counter=counter,
            zones=[zone.name for zone in self.zones],
            rules=[bind(rule, labels, self.zones) for rule in self._rules],
            actions=self._actions,
            areas=self._areas,
            recorder=recorder,
        )
        return [watcher]

    def close(self) -> None:
        """Finish all that the sources share: files, and what still waits to be sent; may be called twice."""
        if self._areas is not None:
            self._areas.close()
        for action in self._actions:
            action.close()
            self.notes += action.notes
        self._actions = []

    def _own(self, stem: str) -> str:
        """The stem, with a number where another source has the same one: its clips are not to be replaced."""
        with self._naming:
            self._stems[stem] += 1
            return stem if self._stems[stem] == 1 else f"{stem}-{self._stems[stem]}"

    def _add_action(self, text: str) -> None:
        kind, _, target = text.partition(":")
        kind = kind.strip().lower()
        # Not repeated: what follows a webhook's host is a secret, and may follow a slip of the pen as well.
        if kind not in _ACTIONS or not target.strip():
            raise UsageError("--then is clip:DIR, webhook:URL or jsonl:FILE")
        if kind == "webhook":
            self._actions.append(Webhook(target.strip()))
        elif kind == "jsonl":
            path = Path(target)
            if path_key(path) in map(path_key, self.files):
                raise UsageError(
                    f"--then jsonl:{path}: something else is written to that file already; name another one"
                )
            self.files.append(path)
            self._actions.append(EventLines(path))
        elif self._clips is not None:
            raise UsageError("--then clip: stands there twice; clips go to one folder")
        else:
            self._clips = Path(target)
            try:
                wrong = self._clips.exists() and not self._clips.is_dir()
            except OSError as error:
                raise sink_error(target, error) from error
            if wrong:
                raise SinkError(f"cannot write clips to {target}: that is a file; name a folder by --then clip:DIR")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
