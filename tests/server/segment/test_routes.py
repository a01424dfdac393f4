import asyncio
import io
import json
import re
import socket
import time

import httpx2
import numpy as np
import pytest
from fastapi import FastAPI
from PIL import Image
from pycocotools import mask as coco_mask

from liveseg import Segmenter, wire
from liveseg.labels import PASCAL_VOC, LabelSet
from liveseg.palettes import palette_of
from liveseg.server import failures
from liveseg.server.limits.clock import Clock
from liveseg.server.segment import description, routes
from liveseg.server.segment.answers import OUTPUTS

PATH = "/v1/segment"
JSON = "application/json"
SIZE = 193


@pytest.fixture(scope="module")
def photo(skimage_data):
    """An astronaut in the middle of a photo, as a JPEG."""
    with Image.open(skimage_data / "astronaut.png") as image:
        file = io.BytesIO()
        image.convert("RGB").resize((300, 200)).save(file, "JPEG", quality=95)
    return file.getvalue()


@pytest.fixture(scope="module")
def found(photo, service):
    """What the service's own network finds in it."""
    image = np.asarray(Image.open(io.BytesIO(photo)))
    return asyncio.run(service.service.engine.segment(image, size=SIZE))


@pytest.fixture(scope="module")
def ask(client, photo):
    """`ask(output, …)`: the answer for the photo."""

    def send(output=None, *, accept="*/*", body=photo, kind="image/jpeg", **options):
        given = {"size": SIZE, **options} | ({} if output is None else {"output": output})
        return client.post(PATH, params=given, content=body, headers={"Content-Type": kind, "Accept": accept})

    return send


def good(answer):
    assert answer.status_code == 200, answer.text
    return answer


def mask_of(answer):
    return np.asarray(Image.open(io.BytesIO(good(answer).content)))


def problem_of(answer, status):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["status"] == status
    assert told["detail"]
    return told


def test_the_mask_is_that_of_liveseg_with_its_names(ask, found, photo):
    answer = ask("mask")
    image = Image.open(io.BytesIO(answer.content))
    assert image.mode == "P"
    np.testing.assert_array_equal(np.asarray(image), found.mask)
    usual = Segmenter(size=SIZE, threads=1)(Image.open(io.BytesIO(photo)))
    # Another runtime or precision moves a border by a pixel here and there.
    assert (np.asarray(image) == usual.mask).mean() > 0.97
    assert LabelSet.from_json(json.loads(image.text["liveseg"])) == PASCAL_VOC
    assert np.asarray(image)[100, 130:170].mean() > 10, "there is a person in the middle"


def test_a_palette_colours_the_mask(ask):
    image = Image.open(io.BytesIO(good(ask("mask", palette="safe")).content))
    colors = palette_of("safe", PASCAL_VOC)
    assert tuple(image.getpalette()[15 * 3 : 15 * 3 + 3]) == colors[15]


def test_each_pixel_of_the_mask_is_seen_in_the_colour_of_its_class(ask, found):
    for name in ("model", "vivid"):
        image = Image.open(io.BytesIO(good(ask("mask", palette=name)).content))
        colors = np.array(palette_of(name, PASCAL_VOC), np.uint8)
        np.testing.assert_array_equal(np.asarray(image.convert("RGB")), colors[found.mask])


@pytest.mark.parametrize(("kind", "most"), [("image/png", 0.0), ("image/jpeg", 3.0), ("image/webp", 6.0)])
def test_an_overlay_comes_in_the_form_that_is_liked(ask, found, kind, most):
    answer = good(ask("overlay", accept=kind, alpha=0.3, contours="true", legend="true"))
    assert answer.headers["content-type"] == kind
    picture = np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGB")).astype(int)
    expected = found.overlay(0.3, contours=True, legend=True)
    assert np.abs(picture - expected).mean() <= most
    assert np.abs(found.overlay(0.9).astype(int) - expected).mean() > 10


def test_a_cut_out_is_transparent_where_nothing_is(ask, found):
    picture = mask_of(ask("cutout"))
    assert picture.shape == (200, 300, 4)
    np.testing.assert_array_equal(picture[..., 3], found.cutout()[..., 3])
    assert picture[..., 3][found.mask == 0].mean() < 60 < picture[..., 3][found.mask == 15].mean()
    # A class that is not in the picture leaves nothing, not even hidden colours.
    assert not mask_of(ask("cutout", foreground="train")).any()


def test_areas_are_those_of_the_mask(ask, found):
    told = good(ask("areas")).json()
    assert (told["model"], told["width"], told["height"]) == ("lite", 300, 200)
    assert sum(area["pixels"] for area in told["areas"]) == 60_000
    person = next(area for area in told["areas"] if area["class"] == "person")
    assert person["class_index"] == 15
    assert person["pixels"] == int((found.mask == 15).sum())
    assert 0.3 < person["mean_confidence"] <= 1
    assert person["share"] == pytest.approx(person["pixels"] / 60_000)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools' own
def test_run_lengths_are_read_by_pycocotools(ask, found):
    told = good(ask("rle")).json()
    (image,) = told["images"]
    assert (image["width"], image["height"], image["file_name"]) == (300, 200, "image")
    person = next(one for one in told["annotations"] if one["category_id"] == 15)
    np.testing.assert_array_equal(coco_mask.decode(person["segmentation"]), found.mask == 15)


def test_polygons_enclose_the_pixels(ask, found):
    answer = good(ask("polygons"))
    assert answer.headers["content-type"] == "application/geo+json"
    told = answer.json()
    assert told["image"] == {"width": 300, "height": 200}
    assert told == json.loads(json.dumps(found.geojson()))
    assert any(own["properties"]["class"] == "person" for own in told["features"])


def test_an_archive_is_read_without_pickle(ask, found):
    answer = good(ask("npz"))
    assert answer.headers["content-type"] == "application/x-npz"
    with np.load(io.BytesIO(answer.content), allow_pickle=False) as archive:
        np.testing.assert_array_equal(archive["mask"], found.mask)
        np.testing.assert_array_equal(archive["confidence"], found.confidence_image())
        assert archive["classes"][15] == "person"


def test_layers_are_the_message_of_the_live_socket(ask, found):
    answer = good(ask(accept=wire.MEDIA_TYPE))
    assert answer.headers["content-type"] == wire.MEDIA_TYPE
    layers = wire.unpack(answer.content)
    np.testing.assert_array_equal(layers.mask, found.mask)
    assert layers.confidence.shape == found.logits.shape[1:]
    assert layers.sequence == 0


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", "image/jpeg"),
        (JSON, JSON),
        ("image/webp, */*;q=0.1", "image/webp"),
        ("application/geo+json", "application/geo+json"),
        ("text/html, image/png;q=0.5", "image/png"),
    ],
)
def test_accept_decides_where_no_output_is_named(ask, accept, kind):
    answer = good(ask(accept=accept))
    assert answer.headers["content-type"] == kind
    assert answer.headers["vary"] == "Accept"


def test_what_the_client_cannot_take_is_said_before_the_picture_is_read(ask):
    told = problem_of(ask("mask", accept="image/jpeg", body=b"no picture at all"), 406)
    assert told["available"] == ["image/png"]


def test_the_times_of_all_stages_are_told(ask):
    answer = good(ask("overlay"))
    times = dict(re.findall(r"([a-z]+);dur=([\d.]+)", answer.headers["server-timing"]))
    assert list(times)[:2] == ["wait", "decode"]
    assert {"preprocess", "network", "postprocess", "render", "encode", "total"} <= set(times)
    own = {name: float(spent) for name, spent in times.items()}
    assert own["network"] > 0.1
    assert sum(own.values()) - own["total"] <= own["total"] * 1.01
    assert answer.headers["x-request-id"]
    assert 'filename="overlay.jpg"' in answer.headers["content-disposition"]


def test_a_form_does_what_the_raw_body_does(client, photo, found):
    # Whatever the file is called, and whatever it is said to be.
    files = {"image": ("../../etc/passwd\0.exe", photo, "text/plain")}
    data = {"output": "mask", "size": str(SIZE)}
    np.testing.assert_array_equal(mask_of(client.post(PATH, files=files, data=data)), found.mask)
    assert good(client.post(PATH, params={"output": "areas"}, files=files, data={"size": SIZE})).json()["width"] == 300


def test_octet_streams_are_told_apart_by_their_content(ask, make_image):
    for form in ("PNG", "WEBP", "GIF", "BMP"):
        answer = ask("areas", body=make_image(form), kind="application/octet-stream")
        assert good(answer).json()["width"] == 64
    # What it is called does not make it anything else.
    assert good(ask("areas", body=make_image("PNG"), kind="image/jpeg")).json()["width"] == 64


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/x-www-form-urlencoded", b"image=1"),
        (JSON, b'{"image": "aGVsbG8="}'),
        ("text/plain", b"hello"),
        ("image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        ("image/tiff", b"II*\0\x08\0\0\0"),
    ],
)
def test_other_bodies_are_refused_with_how_to_send_one(ask, kind, body):
    told = problem_of(ask("areas", body=body, kind=kind), 415)
    assert told["accepted"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--x\r\n",
        b'--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\nhalf of it',
        b"--x\r\nno header\r\n\r\n\r\n--x--\r\n",
        b'--x\r\nContent-Disposition: form-data; name="other"\r\n\r\n1\r\n--x--\r\n',
        b"--x\r\n" + b"a: b\r\n" * 1000 + b"\r\n\r\n--x--\r\n",
        b"".join(b'--x\r\nContent-Disposition: form-data; name="f%d"\r\n\r\n1\r\n' % n for n in range(100)) + b"--x--",
        b'--x\r\nContent-Disposition: form-data; name="alpha"\r\n\r\n' + b"1" * 10_000 + b"\r\n--x--\r\n",
        b'--x\r\nContent-Disposition: form-data; name="image"\r\n\r\n\r\n--x--\r\n',
    ],
)
def test_broken_forms_are_refused_in_words(ask, body):
    problem_of(ask(body=body, kind="multipart/form-data; boundary=x"), 422)
    problem_of(ask(body=body, kind="multipart/form-data"), 422)


def test_options_are_held_to_their_declarations(ask, client, photo):
    assert problem_of(ask(alpha="2"), 422)["parameter"] == "alpha"
    assert problem_of(ask(contours="maybe"), 422)["parameter"] == "contours"
    assert problem_of(ask(pallete="voc"), 422)["parameter"] == "pallete"
    assert problem_of(ask("masks"), 422)["parameter"] == "output"
    assert "did you mean dog" in problem_of(ask(classes="dgo"), 422)["detail"]
    assert problem_of(ask("cutout", foreground="dgo"), 422)["parameter"] == "foreground"
    assert problem_of(ask(model="lrasp"), 404)["known"] == ["lite"]
    twice = client.post(PATH, params={"alpha": 0.5}, files={"image": photo}, data={"alpha": "0.6"})
    assert problem_of(twice, 422)["parameter"] == "alpha"


def test_bombs_do_no_harm(ask, hostile_files):
    for name, (data, status) in hostile_files.items():
        answer = ask("areas", body=data, kind="application/octet-stream")
        assert answer.status_code == status, name
        if status != 200:
            assert "\n" not in problem_of(answer, status)["detail"]


def test_a_long_thin_picture_is_not_blown_up(ask, make_image):
    # A pixel high, it would become 97 rows of 1.9 million.
    told = problem_of(ask("areas", body=make_image("PNG", (20_000, 1)), kind="image/png"), 413)
    assert told["parameter"] == "size"
    assert good(ask("areas", body=make_image("PNG", (600, 2)), kind="image/png", size=32)).json()["height"] == 2


def test_addresses_are_off_by_default(ask):
    told = problem_of(ask("areas", url="https://example.org/cat.png", body=b""), 403)
    assert told["type"].endswith(":url-off")


@pytest.fixture(scope="module")
def around(service):
    """`around(fetch)`: a client of the route and the clock alone, with another fetcher, in the loop of its own test."""

    def make(fetch, seconds=60.0):
        app = FastAPI()
        app.include_router(routes.router(service.service, fetch=fetch))
        app.add_middleware(Clock, seconds=seconds)
        failures.handle(app)
        return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://service")

    return make


def test_a_picture_is_fetched_where_that_is_allowed(around, photo):
    asked = []

    async def fetch(url):
        asked.append(url)
        return photo

    async def scene():
        async with around(fetch) as client:
            url = "https://example.org/cat.png?a=b&c=d"
            alone = await client.post(PATH, params={"url": url, "output": "areas", "size": SIZE})
            assert good(alone).json()["width"] == 300
            both = await client.post(PATH, params={"url": url}, files={"image": photo})
            assert problem_of(both, 422)["parameter"] == "url"
        assert asked == [url]

    asyncio.run(scene())


def test_the_address_check_is_on_in_a_running_service(start_service, raw_server):
    inner = raw_server(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 0\r\n\r\n")
    running = start_service(allow_url=True)
    with running.client() as client:
        for url in (inner.url(), "http://169.254.169.254/", "http://localhost/", "file:///etc/passwd"):
            problem_of(client.post(PATH, params={"url": url}), 422)
    assert inner.count == 0


def test_a_client_that_leaves_gives_back_its_place(service, make_image):
    # It asks for much work and goes at once.
    body = make_image("BMP", (1500, 1500))
    head = f"POST {PATH}?output=areas&size=native HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/bmp\r\n"
    for _ in range(4):
        with socket.create_connection(("127.0.0.1", service.port)) as connection:
            connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    # And others only begin to send.
    with socket.create_connection(("127.0.0.1", service.port)) as connection:
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:1000])
    ends = time.monotonic() + 30
    while service.service.running or service.service.engine.depth:
        assert time.monotonic() < ends, "a request of a client that is gone still runs"
        time.sleep(0.05)
    with service.client() as client:
        small = client.post(PATH, params={"output": "areas", "size": SIZE}, content=make_image("PNG"),
                            headers={"Content-Type": "image/png"})  # fmt: skip
        assert good(small)
        told = client.get("/metrics").text
    assert 'route="/v1/segment",status="500"' not in told


def test_the_description_has_an_example_of_everything(client, ask):
    told = client.get("/openapi.json").json()["paths"][PATH]["post"]
    names = {parameter["name"] for parameter in told["parameters"]}
    assert {"output", "model", "size", "palette", "alpha", "contours", "classes", "foreground", "url"} <= names
    assert {"200", "403", "404", "406", "413", "415", "422", "429", "503", "504"} <= set(told["responses"])
    for status, response in told["responses"].items():
        if status not in ("200", "default"):
            examples = response["content"]["application/problem+json"]["examples"]
            assert all(example["value"]["status"] == int(status) for example in examples.values())
    kinds = {kind for offered in OUTPUTS.values() for kind in offered}
    assert kinds <= set(told["responses"]["200"]["content"])
    assert {"image/jpeg", "application/octet-stream", "multipart/form-data"} <= set(told["requestBody"]["content"])
    # The examples have the form of real answers.
    for output, example in (("areas", description.AREAS), ("rle", description.RLE), ("polygons", description.POLYGONS)):
        assert shape(good(ask(output)).json()) == shape(example), output


def shape(value):
    """Names and kinds of a JSON value; of a list those of its first item."""
    match value:
        case dict():
            return {name: shape(own) for name, own in value.items()}
        case list():
            return [shape(own) for own in value[:1]]
        case bool() | str() | None:
            return type(value).__name__
        case _:
            return "number"


def test_what_takes_too_long_is_not_blamed_on_the_clients_body(around):
    async def fetch(_url):
        await asyncio.sleep(30)

    async def scene():
        async with around(fetch, seconds=0.5) as client:
            return await client.post(PATH, params={"url": "https://example.org/cat.png"})

    # 408 would say that the request did not arrive.
    problem_of(asyncio.run(scene()), 504)
