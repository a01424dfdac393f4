"""The page's own arithmetic, run in the browser, against that of Python: pixel for pixel."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from liveseg import wire
from liveseg.labels import PASCAL_VOC, LabelSet
from liveseg.palettes import palette_of
from liveseg.render.background import BlurredScenery, composed
from liveseg.render.matte import extracted
from liveseg.render.overlay import Painter

HELPERS = """
    window.bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    window.text = (bytes) => {
        let made = "";
        for (let at = 0; at < bytes.length; at += 4096) made += String.fromCharCode(...bytes.subarray(at, at + 4096));
        return btoa(made);
    };
"""
"""Arrays as text on their way to the browser and back."""


@pytest.fixture(scope="module")
def modules(browser, service):
    """A tab of the service in which the page's modules can be called: `modules(script, argument)`."""
    page = browser.new_context().new_page()
    page.add_init_script(HELPERS)
    page.goto(f"{service.url}/")

    def run(script, argument=None):
        return page.evaluate(script, argument)

    yield run
    page.context.close()


def packed(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def unpacked(text, *shape):
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(shape)


def labels_data(labels):
    return {"names": list(labels.names), "palette": [list(c) for c in labels.palette], "background": labels.background}


def scene(height, width, seed=5):
    """A picture and a mask with borders that lie near its own."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    inside = ((x - width * 0.45) / (width * 0.3)) ** 2 + ((y - height * 0.55) / (height * 0.4)) ** 2 < 1
    picture = np.where(inside[..., None], [200, 120, 60], [40, 90, 160]) + rng.normal(0, 12, (height, width, 3))
    shifted = np.roll(inside, 3, axis=1)
    mask = np.where(shifted, 15, 0).astype(np.uint8)
    mask[: height // 6, : width // 5] = 8
    return np.clip(picture, 0, 255).astype(np.uint8), mask


@pytest.mark.parametrize("alpha", [0.0, 0.25, 0.5, 0.6, 0.77, 1.0])
def test_an_overlay_is_that_of_the_command_line(modules, alpha):
    rng = np.random.default_rng(3)
    picture = rng.integers(0, 256, (64, 256, 3), np.uint8)
    mask = rng.integers(0, 24, (64, 256), np.uint8)
    mask[0] = 255
    off = [7, 15]
    labels = PASCAL_VOC.with_palette(palette_of("safe", PASCAL_VOC))
    script = """async ({ rgba, mask, labels, off, alpha }) => {
        const { blend } = await import("./js/paint.js");
        const pixels = new Uint8ClampedArray(bytes(rgba));
        blend(pixels, bytes(mask), labels, new Set(off), alpha);
        return text(pixels);
    }"""
    rgba = np.dstack([picture, np.full(mask.shape, 255, np.uint8)])
    given = {"rgba": packed(rgba), "mask": packed(mask), "labels": labels_data(labels), "off": off, "alpha": alpha}
    drawn = unpacked(modules(script, given), 64, 256, 4)
    kept = [index for index in range(21) if index not in off]
    np.testing.assert_array_equal(drawn[..., :3], Painter(labels, kept).overlay(picture, mask, alpha))
    assert (drawn[..., 3] == 255).all()


def test_every_value_of_every_class_is_rounded_alike(modules):
    labels = LabelSet(("background", "odd", "even"), ((0, 0, 0), (255, 1, 128), (3, 2, 254)))
    script = """async ({ labels, alphas }) => {
        const { blend } = await import("./js/paint.js");
        const made = [];
        for (const alpha of alphas) {
            const pixels = new Uint8ClampedArray(4 * 512).map((_, at) => (at >> 2) % 256);
            blend(pixels, new Uint8Array(512).map((_, at) => 1 + (at >> 8)), labels, new Set(), alpha);
            made.push(text(pixels));
        }
        return made;
    }"""
    alphas = [number / 100 for number in range(101)]
    for alpha, drawn in zip(alphas, modules(script, {"labels": labels_data(labels), "alphas": alphas}), strict=True):
        table = Painter(labels).table(alpha)[1:3].reshape(512, 3)
        np.testing.assert_array_equal(unpacked(drawn, 512, 4)[:, :3], table, err_msg=f"alpha {alpha}")


def test_a_mask_on_a_canvas_has_the_colours_of_its_classes_and_nothing_elsewhere(modules):
    _, mask = scene(60, 90)
    script = """async ({ mask, labels, off, lit, width, height }) => {
        const { colorTable, drawMask } = await import("./js/paint.js");
        const canvas = document.createElement("canvas");
        const layers = { mask: bytes(mask), width: 90, height: 60 };
        drawMask(canvas, layers, colorTable(labels, new Set(off), lit), width, height);
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        return [canvas.width, canvas.height, text(data)];
    }"""
    given = {"mask": packed(mask), "labels": labels_data(PASCAL_VOC), "off": [], "lit": None}
    given |= {"width": 900, "height": 600}
    width, height, data = modules(script, given)
    assert (width, height) == (90, 60)  # never larger than the mask
    drawn = unpacked(data, 60, 90, 4)
    np.testing.assert_array_equal(drawn[..., :3], np.where(mask[..., None] > 0, PASCAL_VOC.colors[mask], 0))
    np.testing.assert_array_equal(drawn[..., 3], np.where(mask > 0, 255, 0))
    width, height, data = modules(script, given | {"width": 30, "height": 20, "off": [15]})
    small = unpacked(data, 20, 30, 4)
    np.testing.assert_array_equal(small[..., 3], np.where(mask[1::3, 1::3] == 8, 255, 0))
    *_, data = modules(script, given | {"off": [15], "lit": 15})
    lit = unpacked(data, 60, 90, 4)[..., 3]
    assert set(lit[mask == 15]) == {255}  # what is switched off is seen while it is lit up
    assert 0 < lit[mask == 8].max() < 128


def test_the_class_under_a_point_and_its_confidence(modules):
    rng = np.random.default_rng(4)
    mask, sure = rng.integers(0, 21, (31, 47), np.uint8), rng.integers(0, 256, (4, 6), np.uint8)
    places = [(0.0, 0.0), (0.5, 0.5), (0.999, 0.999), (0.31, 0.87), (1.0, 1.0), (0.125, 0.08)]
    script = """async ({ mask, sure, places }) => {
        const { classAt } = await import("./js/paint.js");
        const grid = { confidence: bytes(sure), confidenceWidth: 6, confidenceHeight: 4 };
        const layers = { mask: bytes(mask), width: 47, height: 31, ...grid };
        return places.map(([x, y]) => classAt(layers, x, y));
    }"""
    found = modules(script, {"mask": packed(mask), "sure": packed(sure), "places": places})
    for (x, y), told in zip(places, found, strict=True):
        assert told["index"] == mask[min(int(y * 31), 30), min(int(x * 47), 46)]
        across, down = np.clip(x * 6 - 0.5, 0, 5), np.clip(y * 4 - 0.5, 0, 3)
        rows = [np.interp(across, range(6), row) for row in sure]
        assert told["confidence"] == pytest.approx(np.interp(down, range(4), rows) / 255, abs=1e-6)


def test_messages_are_read_as_python_writes_them(modules):
    rng = np.random.default_rng(6)
    mask, sure = rng.integers(0, 21, (33, 50), np.uint8), rng.integers(0, 256, (5, 7), np.uint8)
    layers = wire.Layers(mask, sure, sequence=4_000_000_000, stamp=12345.678, waited_ms=1.5, worked_ms=20.25, dropped=3)
    overlay = wire.Overlay(b"\xff\xd8\xff picture", 640, 480, sequence=9)
    script = """async (messages) => {
        const { readMessage, isLayers } = await import("./js/wire.js");
        return Promise.all(messages.map(async (message) => {
            const read = await readMessage(bytes(message).buffer);
            const { layers, picture, ...told } = read;
            if (!isLayers(read)) return { ...told, picture: text(new Uint8Array(await picture.arrayBuffer())) };
            const { mask, confidence, ...sizes } = layers;
            return { ...told, ...sizes, mask: text(mask), confidence: text(confidence) };
        }));
    }"""
    messages = [layers.pack(), wire.Layers(mask).pack(), overlay.pack()]
    first, bare, last = modules(script, [base64.b64encode(message).decode() for message in messages])
    np.testing.assert_array_equal(unpacked(first["mask"], 33, 50), mask)
    np.testing.assert_array_equal(unpacked(first["confidence"], 5, 7), sure)
    told = {"kind": 2, "sequence": 4_000_000_000, "stamp": 12345.678, "waited": 1.5, "worked": 20.25, "dropped": 3}
    assert told.items() <= first.items()
    assert (bare["confidenceWidth"], bare["confidenceHeight"]) == (0, 0)
    assert base64.b64decode(last["picture"]) == overlay.picture
    assert (last["kind"], last["width"], last["height"], last["sequence"]) == (3, 640, 480, 9)


@pytest.mark.parametrize("broken", ["short", "magic", "version", "cut", "flate", "size"])
def test_what_is_no_message_is_refused(modules, broken):
    message = bytearray(wire.Layers(np.zeros((8, 8), np.uint8), np.zeros((2, 2), np.uint8)).pack())
    match broken:
        case "short":
            message = message[:30]
        case "magic":
            message[0] = 0
        case "version":
            message[2] = 9
        case "cut":
            message = message[:44]
        case "flate":
            message[42] ^= 0xFF
        case "size":
            message[28] = 9
    script = """async (message) => {
        const { readMessage, WireError } = await import("./js/wire.js");
        try {
            await readMessage(bytes(message).buffer);
            return "read";
        } catch (error) {
            return error instanceof WireError ? "refused" : String(error);
        }
    }"""
    assert modules(script, base64.b64encode(bytes(message)).decode()) == "refused"


def test_a_frame_is_read_by_python_as_the_page_writes_it(modules):
    script = """async () => {
        const { frameMessage } = await import("./js/wire.js");
        const blob = frameMessage(4000000001, 1234.5, new Uint8Array([1, 2, 3]));
        return text(new Uint8Array(await blob.arrayBuffer()));
    }"""
    frame = wire.unpack(base64.b64decode(modules(script)))
    assert frame == wire.Frame(b"\x01\x02\x03", 4_000_000_001, 1234.5)


LOOKS = """async ({ rgba, mask, height, width, rows, columns, labels, styles }) => {
    const { Looks } = await import("./js/image/looks.js");
    const picture = { width, height, data: new Uint8ClampedArray(bytes(rgba)) };
    const grid = { confidence: new Uint8Array(rows * columns), confidenceWidth: columns, confidenceHeight: rows };
    const layers = { mask: bytes(mask), width, height, ...grid };
    const looks = new Looks(picture, layers, labels);
    return styles.map((style) => text(looks.draw(style)));
}"""


def looks(modules, picture, mask, grid, styles):
    height, width = mask.shape
    given = {
        "rgba": packed(np.dstack([picture, np.full(mask.shape, 255, np.uint8)])),
        "mask": packed(mask),
        "height": height,
        "width": width,
        "rows": grid[0],
        "columns": grid[1],
        "labels": labels_data(PASCAL_VOC),
        "styles": [{"alpha": 0.6, "blur": 4, "off": []} | style for style in styles],
    }
    return [unpacked(text, height, width, 4).astype(int) for text in modules(LOOKS, given)]


@pytest.mark.parametrize(("size", "grid"), [((120, 160), (15, 20)), ((231, 317), (37, 50)), ((700, 900), (37, 47))])
def test_a_cut_out_is_as_soft_as_that_of_the_command_line(modules, size, grid):
    picture, mask = scene(*size)
    drawn, without = looks(modules, picture, mask, grid, [{"view": "cutout"}, {"view": "cutout", "off": [8]}])
    front, alpha = extracted(picture, mask, (8, 15), grid)
    difference = np.abs(drawn[..., 3] - alpha)
    assert np.quantile(difference, 0.999) <= 2
    assert difference.mean() < 0.02
    seen = alpha > 127
    assert np.quantile(np.abs(drawn[..., :3] - front)[seen], 0.999) <= 2
    assert 0 < ((alpha > 0) & (alpha < 255)).mean() < 0.2  # or there would be no soft border to compare
    _, person = extracted(picture, mask, (15,), grid)
    assert np.quantile(np.abs(without[..., 3] - person), 0.999) <= 2


def test_a_blurred_background_is_that_of_the_command_line(modules):
    picture, mask = scene(231, 317)
    weak, strong = looks(modules, picture, mask, (37, 50), [{"view": "blur"}, {"view": "blur", "blur": 9}])
    front, alpha = extracted(picture, mask, (8, 15), (37, 50))
    for drawn, strength in ((weak, 4.0), (strong, 9.0)):
        behind = BlurredScenery(strength)(picture, alpha, None)
        difference = np.abs(drawn[..., :3] - composed(front, alpha, behind).astype(int))
        assert np.quantile(difference, 0.999) <= 3
        assert difference.mean() < 0.6
        assert (drawn[..., 3] == 255).all()


def test_with_nothing_in_it_a_cut_out_is_empty_and_the_background_all_blurred(modules):
    picture, _ = scene(90, 120)
    nothing = np.zeros((90, 120), np.uint8)
    empty, blurred = looks(modules, picture, nothing, (12, 16), [{"view": "cutout"}, {"view": "blur"}])
    assert (empty[..., 3] == 0).all()
    steps, before = (np.abs(np.diff(own[..., 0].astype(int), axis=1)).max() for own in (blurred, picture))
    assert steps < 20 < before


def test_areas_are_counted_as_python_counts_them(modules):
    from liveseg.exports.areas import areas

    _, mask = scene(77, 91)
    mask[0] = 255
    script = """async ({ mask }) => {
        const { areasOf } = await import("./js/bars.js");
        return areasOf({ mask: bytes(mask) });
    }"""
    found = modules(script, {"mask": packed(mask)})
    expected = areas(mask, PASCAL_VOC)
    assert [area["index"] for area in found] == [area.index for area in expected]
    assert [area["share"] for area in found] == pytest.approx([area.share for area in expected])


def test_names_are_spoken_and_numbers_are_rounded_as_people_do(modules):
    script = """async () => {
        const { nameOf } = await import("./js/labels.js");
        const { percent, size } = await import("./js/strings.js");
        const labels = { names: ["background", "diningtable", "traffic_light"], palette: [], background: true };
        return [
            [0, 1, 2, 9].map((index) => nameOf(labels, index)),
            [0, 0.0004, 0.0312, 0.0996, 0.431, 1].map(percent),
            [12, 1500, 22_400_000].map(size),
        ];
    }"""
    names, shares, sizes = modules(script)
    assert names == ["background", "dining table", "traffic light", "no class"]
    assert shares == ["0 %", "< 0.1 %", "3.1 %", "10 %", "43 %", "100 %"]
    assert sizes == ["12 bytes", "1.5 KB", "22 MB"]
