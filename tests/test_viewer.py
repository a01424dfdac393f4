"""What the keys do to the picture: to what is shown, and to nothing else."""

import threading
import time
from collections import deque
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image, ImageGrab

from liveseg import viewer as module
from liveseg.labels import PASCAL_VOC, LabelSet
from liveseg.media.frame import Frame
from liveseg.render import Painter, Style
from liveseg.segmentation import Segmentation
from liveseg.viewer import KEYS, Viewer, viewer_if_any


class FakeWindow:
    """A window that nobody sees, whose keys the test presses; keys pressed `later` come while it is waited for."""

    def __init__(self):
        self.shown, self.titles = [], []
        self.pressed, self.later = deque(), deque()

    def show(self, rgb):
        self.shown.append(rgb)

    def poll(self):
        return self.pressed.popleft() if self.pressed else None

    def wait_key(self, timeout=None):
        return self.poll() or (self.later.popleft() if self.later else time.sleep(0.01))

    def title(self, text):
        self.titles.append(text)


def found(labels=PASCAL_VOC):
    """A picture of stripes, one a class."""
    image = np.random.default_rng(0).integers(0, 256, (40, 84, 3), np.uint8)
    mask = np.repeat(np.arange(84, dtype=np.uint8)[None] // 4 % len(labels), 40, axis=0)
    return Segmentation(image, mask, labels, np.zeros((len(labels), 2, 2), np.float32))


FOUND = found()
GIVEN = FOUND.overlay(0.6)


@pytest.fixture
def window():
    return FakeWindow()


@pytest.fixture
def told():
    return []


@pytest.fixture
def viewer(window, told):
    opened = Viewer(window, PASCAL_VOC, tell=told.append)
    opened.begin(live=True)
    opened.show(GIVEN, FOUND)
    return opened


def press(viewer, *keys):
    viewer._window.pressed.extend(keys)
    return viewer.poll()


def overlay(classes=None, alpha=0.6):
    return Painter(PASCAL_VOC, classes).overlay(FOUND.image, FOUND.mask, alpha)


def test_until_a_key_is_pressed_the_picture_given_is_shown_and_none_is_drawn(viewer, window, monkeypatch):
    monkeypatch.setattr(module, "Renderer", None)
    other = np.zeros_like(GIVEN)
    viewer.show(other, FOUND)
    assert window.shown[0] is GIVEN
    assert window.shown[1] is other
    assert not viewer.changed


def test_what_the_keys_show_is_what_render_makes(viewer, window):
    assert (viewer.render(FOUND) == GIVEN).all()
    for key in ("+", "m", "5", "m", "m", "-"):
        press(viewer, key)
        assert (window.shown[-1] == viewer.render(FOUND)).all()


@pytest.mark.parametrize(
    ("keys", "alpha"), [("+", 0.7), ("=", 0.7), ("-", 0.5), ("_", 0.5), ("+" * 9, 1.0), ("-" * 9, 0.0)]
)
def test_plus_and_minus_are_opacity(viewer, window, keys, alpha):
    press(viewer, *keys)
    assert viewer.view.alpha == alpha
    assert (window.shown[-1] == overlay(alpha=alpha)).all()
    assert window.titles[-1] == f"liveseg - opacity {alpha:g}"


def test_back_at_the_start_the_picture_given_is_shown_again(viewer, window):
    press(viewer, "+", "-")
    assert not viewer.changed
    assert window.shown[-1] is GIVEN
    assert window.titles[-1] == "liveseg"


def test_m_goes_from_overlay_to_mask_to_source_and_back(viewer, window):
    press(viewer, "m")
    assert (window.shown[-1] == FOUND.color_mask()).all()
    press(viewer, "m")
    assert (window.shown[-1] == FOUND.image).all()
    press(viewer, "m")
    assert window.shown[-1] is GIVEN
    assert window.titles == ["liveseg - mask", "liveseg - source", "liveseg"]


@pytest.mark.parametrize(
    ("groups", "only"),
    [
        (["5"], 5),
        (["15"], 15),
        (["20"], 20),
        (["1", "5"], 5),
        (["25"], 5),
        (["155"], 5),
        (["5", "5"], None),
        (["15", "15"], None),
        (["11"], 11),
        (["1", "1"], None),
        (["5", "0"], None),
        (["0"], None),
        (["05"], 5),
        (["15", "15", "15"], 15),
    ],
)
def test_digits_choose_a_class_and_the_same_again_chooses_all(viewer, window, monkeypatch, groups, only):
    """The digits of a group are typed quickly, and there is a pause between groups."""
    now = 100.0
    monkeypatch.setattr(module.time, "monotonic", lambda: now)
    for group in groups:
        press(viewer, *group)
        now += 2
    assert viewer.view.only == only
    assert (window.shown[-1] == overlay(None if only is None else {only})).all()
    name = "" if only is None else f" - only {only}: {PASCAL_VOC.names[only]}"
    assert window.titles[-1] == f"liveseg{name}"


def test_one_class_in_the_mask_too(viewer, window):
    press(viewer, "m", "7")
    seen = window.shown[-1][0].reshape(21, 4, 3)
    assert (seen[7] == PASCAL_VOC.palette[7]).all()
    assert not np.delete(seen, 7, axis=0).any()


def test_without_a_background_0_is_a_class_as_others_are(window, told):
    labels = LabelSet(("road", "sky", "tree"), ((1, 2, 3), (4, 5, 6), (7, 8, 9)), background=False)
    own = found(labels)
    viewer = Viewer(window, labels, tell=told.append)
    viewer.show(own.overlay(), own)
    press(viewer, "0")
    assert viewer.view.only == 0
    press(viewer, "7")
    assert viewer.view.only == 0
    assert told == ["there is no class 7; they go up to 2"]


def test_the_classes_asked_for_stay_the_ones_of_all(window):
    viewer = Viewer(window, PASCAL_VOC, style=Style(classes=(3, 4)))
    viewer.show(overlay([3, 4]), FOUND)
    press(viewer, "+")
    assert (window.shown[-1] == overlay([3, 4], 0.7)).all()
    press(viewer, "9")
    assert (window.shown[-1] == overlay([9], 0.7)).all()


def test_what_was_drawn_on_the_picture_is_drawn_on_another_view(viewer, window):
    def draw(picture):
        marked = picture.copy()
        marked[:5] = 200
        return marked

    viewer.show(draw(GIVEN), FOUND, draw=draw)
    press(viewer, "m", "m")
    assert (window.shown[-1][:5] == 200).all()
    assert (window.shown[-1][5:] == FOUND.image[5:]).all()


def test_a_picture_of_many_streams_is_shown_as_it_is(viewer, window):
    viewer.show(GIVEN)
    press(viewer, "m")
    assert window.shown[-1] is GIVEN


@pytest.mark.parametrize("key", ["q", "escape", "quit"])
def test_keys_that_end_the_job_are_told_after_what_came_before_them(viewer, key):
    assert press(viewer, "m", key, "m") == key
    assert viewer.view.mode == "mask"


def test_other_keys_do_nothing(viewer, window):
    assert press(viewer, "x", "left", "²", "return") is None
    assert not viewer.changed
    assert len(window.shown) == 1


def test_on_a_live_source_the_picture_stands_and_the_source_goes_on(viewer, window):
    other = np.zeros_like(GIVEN)
    assert press(viewer, "space") is None
    viewer.show(other, FOUND)
    assert window.shown == [GIVEN]
    assert window.titles[-1] == "liveseg - paused"
    press(viewer, "m")
    assert (window.shown[-1] == FOUND.color_mask()).all()
    press(viewer, "m", "m", "space")
    viewer.show(other, FOUND)
    assert window.shown[-1] is other


def test_a_file_waits_while_the_picture_stands_and_keys_still_work(viewer, window):
    viewer.begin(live=False)
    window.later.extend(["m", "space"])
    assert press(viewer, "space") is None
    assert not window.later
    assert not viewer.paused
    assert (window.shown[-1] == FOUND.color_mask()).all()


def test_a_file_that_waits_can_be_ended_by_key_and_by_signal(viewer, window):
    stop = threading.Event()
    viewer.begin(live=False, stop=stop)
    window.later.extend(["m", "q"])
    assert press(viewer, "space") == "q"
    timer = threading.Timer(0.3, stop.set)
    timer.start()
    assert viewer.poll() is None
    assert stop.is_set()
    timer.join()


def test_another_source_begins_unpaused_and_with_the_same_view(viewer, window):
    press(viewer, "space", "m", "7")
    viewer.begin(live=False)
    viewer.show(GIVEN, FOUND)
    assert viewer.poll() is None
    assert (window.shown[-1] == viewer.render(FOUND)).all()
    assert viewer.view.only == 7


def test_s_saves_what_is_shown_under_a_name_of_its_own(viewer, told, tmp_path):
    viewer.begin(live=True, stem=tmp_path / "out" / "clip_lite")
    viewer.show(GIVEN, FOUND, frame=Frame(FOUND.image, 123, 492, Fraction(1, 100)))
    press(viewer, "s", "m", "s", "s")
    names = ["clip_lite_000123_4.920s.png", "clip_lite_000123_4.920s_2.png", "clip_lite_000123_4.920s_3.png"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names
    assert told == [f"saved {tmp_path / 'out' / name}" for name in names]
    assert (np.asarray(Image.open(tmp_path / "out" / names[0])) == GIVEN).all()
    assert (np.asarray(Image.open(tmp_path / "out" / names[1])) == FOUND.color_mask()).all()


def test_a_picture_of_many_streams_is_saved_by_the_time_of_day(viewer, tmp_path):
    viewer.begin(live=True, stem=tmp_path / "grid")
    viewer.show(GIVEN)
    press(viewer, "s", "s")
    assert len(list(tmp_path.glob("grid_20*.png"))) == 2


def test_a_frame_that_cannot_be_saved_is_one_line_and_ends_nothing(viewer, told, tmp_path):
    (tmp_path / "file").touch()
    viewer.begin(live=True, stem=tmp_path / "file" / "clip")
    assert press(viewer, "s", "m") is None
    assert viewer.view.mode == "mask"
    assert len(told) == 1
    assert told[0].startswith("cannot write ")
    assert "is a file, not a folder" in told[0]


def test_before_the_first_frame_keys_are_heard_and_nothing_is_saved(window, told):
    viewer = Viewer(window, PASCAL_VOC, tell=told.append)
    assert press(viewer, "s", "m", "+") is None
    assert (window.shown, told) == ([], [])


def test_h_lists_the_keys_in_one_line(viewer, window, told):
    press(viewer, "h")
    assert told == [KEYS]
    assert window.titles[-1] == KEYS
    assert "\n" not in KEYS
    for key in ("space", "q", "Esc", "s ", "+", "-", "m ", "0-9", "h "):
        assert key in KEYS


def test_a_picture_that_stays_takes_commands_until_another_key(viewer, window):
    window.later.extend(["m", "+", "space"])
    assert viewer.wait_key() == "space"
    assert not viewer.paused
    window.later.extend(["5", "return"])
    assert viewer.wait_key() == "return"
    window.later.extend(["q"])
    assert viewer.wait_key() == "q"
    stop = threading.Event()
    stop.set()
    viewer.begin(stop=stop)
    assert viewer.wait_key() is None


def test_without_a_display_there_is_no_viewer_and_one_line(monkeypatch, told):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER", "SDL_VIDEO_DRIVER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    with viewer_if_any(PASCAL_VOC, tell=told.append, explain=told.append) as viewer:
        assert viewer is None
    assert told == ["this machine has no display (neither DISPLAY nor WAYLAND_DISPLAY is set)"]


def test_keys_of_a_person_in_a_real_window(display, xdotool, tmp_path, told):
    """Through a real window on a real screen: what is pressed is what is seen."""
    with viewer_if_any(PASCAL_VOC, tell=told.append, explain=told.append) as viewer:
        viewer.begin(live=False, stem=tmp_path / "clip")
        viewer.show(GIVEN, FOUND)
        number = xdotool("search", "--sync", "--onlyvisible", "--class", ".").strip()

        def type_keys(*keys):
            xdotool("windowfocus", "--sync", number, "key", "--delay", "20", *keys)

        def seen():
            values = dict(line.split("=") for line in xdotool("getwindowgeometry", "--shell", number).split())
            left, top = int(values["X"]), int(values["Y"])
            return np.asarray(ImageGrab.grab(xdisplay=display).convert("RGB"))[top : top + 40, left : left + 84]

        def poll_until(check):
            until = time.monotonic() + 20
            while not check():
                assert time.monotonic() < until
                key = viewer.poll()
                if key is not None:
                    return key
                time.sleep(0.02)
            return None

        def expect(picture):
            assert poll_until(lambda: np.array_equal(seen(), picture)) is None

        expect(GIVEN)
        type_keys("plus")
        expect(overlay(alpha=0.7))
        type_keys("m", "1", "5")
        expect(Painter(PASCAL_VOC, {15}).color(FOUND.mask))
        assert xdotool("getwindowname", number) == "liveseg - mask - opacity 0.7 - only 15: person\n"
        type_keys("s")
        poll_until(lambda: told)
        assert (np.asarray(Image.open(told[0].removeprefix("saved "))) == seen()).all()
        # A file waits, in the poll that hears the first space, until the second one.
        later = threading.Timer(1.0, type_keys, ["space"])
        type_keys("space")
        later.start()
        longest = 0.0
        while later.is_alive():
            started = time.monotonic()
            assert viewer.poll() is None
            longest = max(longest, time.monotonic() - started)
        assert longest > 0.3
        poll_until(lambda: not viewer.paused)
        type_keys("Escape")
        assert poll_until(lambda: False) == "escape"
