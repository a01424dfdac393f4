"""A window that shows frames, where there is a display to show them on.

SDL wants a window opened, fed and closed by one thread; on macOS that must be the process's main thread.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from liveseg.errors import SinkError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType
    from typing import Self

    from numpy.typing import NDArray

_DESKTOP_SHARE = 0.9
"""How much of the desktop a window takes at most: panels and the title bar need the rest."""

_WAIT_MS = 50
"""How long SDL may sleep at a stretch: Python runs signal handlers (Ctrl-C) only in between."""

_MODIFIERS = (
    "K_LSHIFT", "K_RSHIFT", "K_LCTRL", "K_RCTRL", "K_LALT", "K_RALT", "K_LMETA", "K_RMETA",
    "K_LSUPER", "K_RSUPER", "K_CAPSLOCK", "K_NUMLOCK", "K_SCROLLOCK", "K_MODE",
)  # fmt: skip

_SHOWING_NOTHING = ("dummy", "offscreen", "evdev")


def open_window(title: str) -> tuple[Window | None, str]:
    """Open a window, or say in one line why there is none: `(window, "")` or `(None, reason)`; never raises.

    The window appears with its first frame.
    """
    pygame, reason = _start_sdl()
    if pygame is None:
        return None, reason
    return Window(pygame, title), ""


@contextmanager
def window_if_any(title: str, explain: Callable[[str], None]) -> Iterator[Window | None]:
    """A window that is closed at the end, or `None` after `explain` was told the reason."""
    window, reason = open_window(title)
    if window is None:
        explain(reason)
        yield None
        return
    with window:
        yield window


class Window:
    """One window, made by `open_window`; a context manager.

    It takes the size of its first frame, scaled down to fit the desktop, and can be resized; frames keep
    their aspect ratio, with black beside them. All calls belong into the thread that opened it. A process
    has one window at a time.
    """

    def __init__(self, pygame: Any, title: str) -> None:
        self._pygame = pygame
        self._title = title
        self._frame: NDArray[np.uint8] | None = None
        self._keys: deque[str] = deque()
        self._open = True

    def show(self, rgb: NDArray[np.uint8]) -> None:
        """Show a frame, `(H, W, 3)` `uint8` RGB; a closed window shows nothing.

        Raises:
            SinkError: the display has a server, but that gives no window.
        """
        if not self._open:
            return
        if self._pygame.display.get_surface() is None:
            self._appear(*rgb.shape[:2])
        # A copy, since it is drawn again when the window is resized or uncovered.
        self._frame = rgb.copy()
        self._draw()

    def poll(self) -> str | None:
        """The next key pressed since the last call, without waiting; `None` where there was none.

        A printable key is the character typed, in lower case, any other its name: `q`, `escape`, `space`,
        `return`, `left`; the window's close button is `quit`. Call it between frames: a window whose keys
        nobody takes is called unresponsive by the desktop.
        """
        self._take(self._pygame.event.get() if self._open else [])
        return self._keys.popleft() if self._keys else None

    def wait_key(self, timeout: float | None = None) -> str | None:
        """Wait for a key, redrawing as needed; the names are those of `poll`.

        Args:
            timeout: seconds to wait at most; then the answer is `None`.
        """
        until = None if timeout is None else time.monotonic() + timeout
        while (key := self.poll()) is None and self._open:
            if until is not None and time.monotonic() >= until:
                return None
            self._take([self._pygame.event.wait(_WAIT_MS)])
        return key

    def title(self, text: str) -> None:
        """Say something above the picture, where the desktop shows titles."""
        self._title = text
        if self._open and self._pygame.display.get_surface() is not None:
            self._pygame.display.set_caption(text)

    def close(self) -> None:
        """Close the window; may be called twice."""
        if self._open:
            self._open = False
            self._pygame.display.quit()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _appear(self, height: int, width: int) -> None:
        display = self._pygame.display
        desktop_width, desktop_height = display.get_desktop_sizes()[0]
        scale = min(1.0, _DESKTOP_SHARE * desktop_width / width, _DESKTOP_SHARE * desktop_height / height)
        display.set_caption(self._title)
        try:
            display.set_mode((max(round(width * scale), 1), max(round(height * scale), 1)), self._pygame.RESIZABLE)
        except self._pygame.error as error:
            raise SinkError(f"cannot show a window ({error}); leave it out, files are written all the same") from error

    def _take(self, events: list[Any]) -> None:
        pygame = self._pygame
        for event in events:
            if event.type == pygame.QUIT:
                self._keys.append("quit")
            elif event.type == pygame.KEYDOWN and (name := self._key_name(event)):
                self._keys.append(name)
            elif event.type in (pygame.WINDOWSIZECHANGED, pygame.WINDOWEXPOSED):
                self._draw()

    def _key_name(self, event: Any) -> str:
        """The name of a pressed key; empty for one that only modifies others."""
        if event.unicode.isprintable() and event.unicode.strip():
            # In lower case, so that caps lock does not keep `q` from being heard.
            return str(event.unicode).lower()
        if event.key in (getattr(self._pygame, name) for name in _MODIFIERS):
            return ""
        return str(self._pygame.key.name(event.key))

    def _draw(self) -> None:
        screen = self._pygame.display.get_surface()
        if screen is None or self._frame is None:
            return
        width, height = screen.get_size()
        picture = _fitted(self._frame, width, height)
        rows, columns = picture.shape[:2]
        screen.fill((0, 0, 0))
        surface = self._pygame.image.frombuffer(picture, (columns, rows), "RGB")
        screen.blit(surface, ((width - columns) // 2, (height - rows) // 2))
        self._pygame.display.flip()


def _fitted(rgb: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    rows, columns = rgb.shape[:2]
    scale = min(width / columns, height / rows)
    size = (max(round(columns * scale), 1), max(round(rows * scale), 1))
    if size == (columns, rows):
        return np.ascontiguousarray(rgb)
    import cv2

    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(rgb, size, interpolation=way), np.uint8)


def _start_sdl() -> tuple[Any, str]:
    drivers = _drivers()
    if drivers == "":
        return None, "this machine has no display (neither DISPLAY nor WAYLAND_DISPLAY is set)"
    if sys.platform == "darwin" and threading.current_thread() is not threading.main_thread():
        return None, "macOS shows windows only from the main thread"
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    # Otherwise SDL turns SIGTERM into an event, and a program that is busy elsewhere cannot be ended.
    os.environ.setdefault("SDL_NO_SIGNAL_HANDLERS", "1")
    try:
        import pygame
    except ImportError as error:
        cause = "" if isinstance(error, ModuleNotFoundError) else f" ({error})"
        return None, f"it needs pygame-ce{cause}: pip install 'liveseg[window]'"
    try:
        with _asking_for(drivers):
            pygame.display.init()
    except pygame.error as error:
        return None, f"the display {_display_name()} cannot be opened ({error})"
    driver = pygame.display.get_driver().lower()
    if driver in _SHOWING_NOTHING:
        pygame.display.quit()
        return None, f"SDL's video driver {driver!r} shows nothing; unset SDL_VIDEODRIVER"
    return pygame, ""


def _drivers() -> str | None:
    """The SDL video drivers to try: `None` leaves it to SDL, empty means that there is no display.

    Left alone on Linux without a usable display, SDL shows frames to nobody by its offscreen driver.
    """
    if sys.platform in ("win32", "darwin") or _chosen_driver():
        return None
    found = {"x11": os.environ.get("DISPLAY"), "wayland": os.environ.get("WAYLAND_DISPLAY")}
    return ",".join(driver for driver, display in found.items() if display)


def _chosen_driver() -> str:
    return os.environ.get("SDL_VIDEODRIVER") or os.environ.get("SDL_VIDEO_DRIVER") or ""


def _display_name() -> str:
    names = [os.environ.get(name, "") for name in ("DISPLAY", "WAYLAND_DISPLAY")]
    return " or ".join(repr(name) for name in (_chosen_driver(), *names) if name) or "of this machine"


@contextmanager
def _asking_for(drivers: str | None) -> Iterator[None]:
    before = os.environ.get("SDL_VIDEODRIVER")
    if drivers is not None:
        os.environ["SDL_VIDEODRIVER"] = drivers
    try:
        yield
    finally:
        if before is not None:
            os.environ["SDL_VIDEODRIVER"] = before
        else:
            os.environ.pop("SDL_VIDEODRIVER", None)
