"""What a person watches and steers: a window, its keys, and how the picture in it is drawn."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from liveseg.errors import LivesegError
from liveseg.render import Renderer, Style

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from liveseg.labels import LabelSet
    from liveseg.media.frame import Frame
    from liveseg.segmentation import Segmentation

    Pixels = NDArray[np.uint8]
    Draw = Callable[[Pixels], Pixels]

END_KEYS = frozenset({"q", "escape", "quit"})
"""The keys that end a job: `quit` is the window's close button."""

KEYS = (
    "keys: space pause, q or Esc end, s save this frame, + and - opacity, m overlay/mask/source, 0-9 one class, h help"
)

_STEP = 0.1
_MODES: tuple[Literal["overlay", "mask", "source"], ...] = ("overlay", "mask", "source")
_QUICK = 0.8
"""Seconds within which a second digit belongs to the first."""

_LOOK = 0.2
"""Seconds between looks at whether the job was stopped, while the picture stands."""


class Screen(Protocol):
    """What a viewer needs of a window: that of `liveseg.media.window`."""

    def show(self, rgb: Pixels) -> None:
        """Show a picture."""

    def poll(self) -> str | None:
        """The next key pressed, without waiting."""

    def wait_key(self, timeout: float | None = None) -> str | None:
        """The next key pressed, waiting for it."""

    def title(self, text: str) -> None:
        """What stands above the picture."""


@dataclass(frozen=True)
class View:
    """What the keys make of the style in which results are drawn.

    Args:
        alpha: opacity of the colours.
        mode: the colours over the picture, the colours on black, or the picture.
        only: the one class that is drawn; `None` for all that were asked for.
    """

    alpha: float
    mode: Literal["overlay", "mask", "source"] = "overlay"
    only: int | None = None


class Viewer:
    """Shows a job's pictures in a window and does what its keys say.

    The keys change what is shown, never what is written: a file follows the options, the window follows the keys. As
    long as no key has changed the view, the picture that goes into the file is shown, and nothing is drawn twice.

    Space lets the picture stand. A live source goes on behind it, and so does what is written of it; a file waits. A
    digit shows the class of that index alone, two digits in quick succession one from 10 on; the same again, or 0 where
    that is the background, shows all. The window's title says what is changed.

    `show`, `poll` and `wait_key` belong into the thread that opened the window; `render` into any.

    Args:
        window: what shows the pictures.
        labels: the model's classes.
        style: how the pictures given to `show` are drawn.
        tell: told in one line where a frame was saved, and the keys.
    """

    def __init__(
        self,
        window: Screen,
        labels: LabelSet,
        *,
        style: Style | None = None,
        tell: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self._style = Style() if style is None else style
        self.view = self._given = View(self._style.alpha)
        self.paused = False
        self._window = window
        self._labels = labels
        self._tell = tell
        self._renderers: dict[View, Renderer] = {}
        self._picture: Pixels | None = None
        self._standing: tuple[Pixels, Segmentation | None, Frame | None, Draw | None] | None = None
        self._typed: tuple[float, int, int | None] | None = None
        self.begin()

    def begin(
        self, *, live: bool = False, stem: Path = Path("outputs/frame"), stop: threading.Event | None = None
    ) -> None:
        """Go over to another source; the view stays as the keys have made it.

        Args:
            live: whether the source goes on while the picture stands.
            stem: what saved frames are called, with a number, a time and `.png` added.
            stop: set by whoever ends the job, so that nothing waits for a key any longer.
        """
        self.paused = False
        self._live, self._stem, self._stop = live, stem, stop

    @property
    def changed(self) -> bool:
        """Whether the keys have changed the view."""
        return self.view != self._given

    def render(self, segmentation: Segmentation) -> Pixels:
        """A result as the keys have it, `(H, W, 3)` `uint8` RGB; in the mode `source` the image itself."""
        view = self.view
        if view.mode == "source":
            return segmentation.image
        if view not in self._renderers:
            style = replace(self._style, alpha=view.alpha)
            if view.only is not None:
                style = replace(style, classes=(view.only,), hidden=())
            self._renderers[view] = Renderer(self._labels, style)
        renderer = self._renderers[view]
        return renderer.color(segmentation.mask) if view.mode == "mask" else renderer(segmentation)

    def show(
        self,
        rgb: Pixels,
        segmentation: Segmentation | None = None,
        *,
        frame: Frame | None = None,
        draw: Draw | None = None,
    ) -> None:
        """Show a picture, unless one is to stand.

        Args:
            rgb: as the options have it, `(H, W, 3)` `uint8` RGB.
            segmentation: what it was made from, to be drawn as the keys have it; without it the picture is shown as it
                is, as are those of many streams.
            frame: what a saved frame gets its number and time from.
            draw: what else was drawn on `rgb`, done again on another view.

        Raises:
            SinkError: the display gives no window.
        """
        if self.paused:
            return
        self._standing = rgb, segmentation, frame, draw
        self._draw()

    def poll(self) -> str | None:
        """Do what the keys say that were pressed since the last call.

        While the picture of a file stands this waits, doing what further keys say, until it may go on.

        Returns:
            The key that ends the job, one of `END_KEYS`; otherwise `None`.
        """
        key = self._window.poll()
        while key not in END_KEYS:
            if key is not None:
                self._press(key)
                key = self._window.poll()
            elif self.paused and not self._live and not self._stopped():
                key = self._window.wait_key(_LOOK)
            else:
                return None
        return key

    def wait_key(self) -> str | None:
        """Do what keys say until one is pressed that is no command, or space; `None` where the job was stopped.

        For a picture that stays until it has been looked at.
        """
        while not self._stopped():
            key = self._window.wait_key(_LOOK)
            if key is not None and (key == "space" or not self._press(key)):
                return key
        return None

    def _stopped(self) -> bool:
        return self._stop is not None and self._stop.is_set()

    def _draw(self) -> None:
        if self._standing is None:
            return
        picture, segmentation, _, draw = self._standing
        if segmentation is not None and self.changed:
            picture = self.render(segmentation)
            if draw is not None:
                picture = draw(picture)
        self._picture = picture
        self._window.show(picture)

    def _press(self, key: str) -> bool:
        """Do what a key says; false for one that says nothing."""
        if key.isdecimal() and len(key) == 1:
            self._choose(int(key))
            return True
        self._typed = None
        if key == "space":
            self.paused = not self.paused
            self._window.title(self._summary())
        elif key in {"+", "="}:
            self._change(replace(self.view, alpha=min(round(self.view.alpha + _STEP, 2), 1.0)))
        elif key in {"-", "_"}:
            self._change(replace(self.view, alpha=max(round(self.view.alpha - _STEP, 2), 0.0)))
        elif key == "m":
            self._change(replace(self.view, mode=_MODES[(_MODES.index(self.view.mode) + 1) % len(_MODES)]))
        elif key == "s":
            self._save()
        elif key == "h":
            self._say(KEYS)
        else:
            return False
        return True

    def _choose(self, digit: int) -> None:
        now, number, before = time.monotonic(), digit, self.view.only
        if self._typed is not None:
            typed_at, first, earlier = self._typed
            if now - typed_at < _QUICK and 10 * first + digit < len(self._labels):
                number, before = 10 * first + digit, earlier
        self._typed = (now, digit, before) if number == digit and digit > 0 else None
        if number >= len(self._labels):
            self._say(f"there is no class {number}; they go up to {len(self._labels) - 1}")
            return
        shows_all = number == before or (number == 0 and self._labels.background)
        self._change(replace(self.view, only=None if shows_all else number))

    def _change(self, view: View) -> None:
        self.view = view
        self._draw()
        self._window.title(self._summary())

    def _summary(self) -> str:
        view, words = self.view, ["liveseg"]
        if self.paused:
            words.append("paused")
        if view.mode != self._given.mode:
            words.append(view.mode)
        if view.alpha != self._given.alpha:
            words.append(f"opacity {view.alpha:g}")
        if view.only is not None:
            words.append(f"only {view.only}: {self._labels.names[view.only]}")
        return " - ".join(words)

    def _say(self, line: str) -> None:
        self._window.title(line)
        self._tell(line)

    def _save(self) -> None:
        from liveseg.media.images import write_image

        if self._picture is None or self._standing is None:
            return
        try:
            path = write_image(self._free_name(self._standing[2]), self._picture)
        except LivesegError as error:
            # It ends no job that the user is in the middle of.
            self._say(str(error))
            return
        self._say(f"saved {path}")

    def _free_name(self, frame: Frame | None) -> Path:
        moment = time.strftime("%Y%m%d_%H%M%S")
        if frame is not None:
            moment = f"{frame.index:06}_{float(frame.timestamp):.3f}s"
        wanted = path = self._stem.with_name(f"{self._stem.name}_{moment}.png")
        again = 1
        while path.exists():
            again += 1
            path = wanted.with_name(f"{wanted.stem}_{again}.png")
        return path


@contextmanager
def viewer_if_any(
    labels: LabelSet,
    *,
    style: Style | None = None,
    tell: Callable[[str], None],
    explain: Callable[[str], None],
) -> Iterator[Viewer | None]:
    """A viewer whose window is closed at the end, or `None` after `explain` was told why there is no window."""
    from liveseg.media.window import window_if_any

    with window_if_any("liveseg", explain) as window:
        yield None if window is None else Viewer(window, labels, style=style, tell=tell)
