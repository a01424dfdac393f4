"""What a live connection says, in which order, and what of it depends on what."""

from __future__ import annotations

import io
import time
from contextlib import suppress

import numpy as np
import pytest
from PIL import Image

from liveseg import Segmenter
from liveseg.media.images import read_image
from liveseg.server.live.layers import layers_of
from liveseg.temporal import Smoother
from liveseg.wire import Layers, Overlay


@pytest.fixture(scope="module")
def segmenter():
    return Segmenter(size=97, threads=1, runtime="onnx")


def test_a_frame_is_answered_with_its_own_mask_stamp_and_number(service, talk, astronaut, segmenter):
    client = talk(service.address, {})
    ready = client.until("ready")
    assert (ready["model"], ready["size"]) == ("lite", 97)
    assert ready["labels"][15] == "person"
    assert ready["palette"][15] == [192, 128, 128]
    client.frame(astronaut[0], sequence=41, stamp=1234.56789)
    answer = client.hear()
    assert isinstance(answer, Layers)
    assert (answer.sequence, answer.stamp, answer.dropped) == (41, 1234.56789, 0)
    expected = layers_of(segmenter(read_image(io.BytesIO(astronaut[0]))), shorter=97)
    assert answer.mask.shape == (97, 129)
    np.testing.assert_array_equal(answer.mask, expected.mask)
    np.testing.assert_array_equal(answer.confidence, expected.confidence)
    assert (answer.mask[50:, 50:80] == 15).mean() > 0.8
    assert 0 < answer.worked_ms < 10_000
    assert 0 <= answer.waited_ms < 10_000


def test_what_is_sent_back_follows_the_options_at_once(service, talk, astronaut):
    client = talk(service.address, {"mask": "frame", "confidence": False})
    client.until("ready")
    client.frame(astronaut[0], 1)
    answer = client.hear()
    assert answer.mask.shape == (240, 320)
    assert answer.confidence is None
    client.say({"output": "overlay", "alpha": 1.0, "palette": "safe"})
    ready = client.until("ready")
    assert ready["output"] == "overlay"
    client.frame(astronaut[0], 2)
    overlay = client.hear()
    assert isinstance(overlay, Overlay)
    assert (overlay.sequence, overlay.width, overlay.height) == (2, 320, 240)
    with Image.open(io.BytesIO(overlay.picture)) as picture:
        assert (picture.format, picture.size) == ("JPEG", (320, 240))
        drawn = np.asarray(picture.convert("RGB"))[120:, 130:190].reshape(-1, 3)
    # Drawn without any of the picture, the middle is the person's colour of that palette.
    assert np.abs(np.median(drawn, axis=0) - ready["palette"][15]).max() < 12
    client.say({"output": None, "mask": None, "size": 65})
    assert client.until("ready")["size"] == 65
    client.frame(astronaut[0], 3)
    assert client.hear().mask.shape == (65, 87)


def test_a_mask_is_never_larger_than_its_frame(service, talk, astronaut):
    client = talk(service.address, {"mask": 2000})
    client.until("ready")
    client.frame(astronaut[0], 1)
    assert client.hear().mask.shape == (240, 320)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"sizes": 97}, "did you mean 'size'"),
        ({"size": 1 << 40}, "size is a whole number from 32 to 2048"),
        ({"size": True}, "size is a whole number"),
        ({"output": "mask"}, "output is one of layers, overlay"),
        ({"rate": 0}, "rate is a number from 0.01"),
        ({"rate": float("nan")}, "rate is a number"),
        ({"palette": "/etc/passwd.json"}, "palette is one of model"),
        ({"smooth": 1}, "smooth is true or false"),
        ({"model": ["lite"]}, "model is a name"),
        ({"mask": "x" * 1000}, "mask is"),
    ],
)
def test_an_option_that_cannot_be_taken_is_named_and_changes_nothing(service, talk, astronaut, given, said):
    client = talk(service.address, {})
    client.until("ready")
    client.say(given)
    problem = client.until("problem")
    assert problem["status"] == 422
    assert said in problem["detail"]
    assert problem["problem"].startswith("urn:liveseg:problem:")
    assert len(problem["detail"]) < 200
    client.frame(astronaut[0], 7)
    assert client.hear().mask.shape == (97, 129)


def test_an_unknown_model_is_refused_and_the_one_before_goes_on(service, talk, astronaut):
    client = talk(service.address, {})
    client.until("ready")
    client.say({"model": "lot", "output": "overlay"})
    problem = client.until("problem")
    assert (problem["status"], problem["known"]) == (404, ["lite"])
    client.frame(astronaut[0], 1)
    assert isinstance(client.hear(), Layers)
    client.say({"confidence": False})
    assert client.until("ready")["output"] == "layers"


def test_masks_are_steadied_by_the_frames_own_time(service, talk, astronaut, segmenter):
    """What comes back is what the smoother makes of the same frames at the same times."""
    client = talk(service.address, {"smooth": True, "mask": "frame"})
    assert client.until("ready")["smooth"] is True
    smoother, changed = Smoother(), False
    noise = np.random.default_rng(0)
    for number in range(5):
        pixels = np.clip(astronaut[1] + noise.normal(0, 12, astronaut[1].shape), 0, 255).astype(np.uint8)
        data = io.BytesIO()
        Image.fromarray(pixels).save(data, "PNG")
        client.frame(data.getvalue(), number, stamp=1000.0 + 40.0 * number)
        alone = segmenter.infer(pixels)
        expected = segmenter.finish(smoother(alone, (1000.0 + 40.0 * number) / 1e3))
        np.testing.assert_array_equal(client.hear().mask, expected.mask)
        changed |= bool((expected.mask != segmenter.finish(alone).mask).any())
    assert changed


def test_no_more_answers_are_sent_than_were_asked_for(service, talk, astronaut):
    client = talk(service.address, {"rate": 5})
    assert client.until("ready")["rate"] == 5
    began, sent, got = time.monotonic(), 0, []
    while len(got) < 5:
        client.frame(astronaut[0], sent)
        sent += 1
        with suppress(TimeoutError):
            got.append(client.hear(timeout=0.01))
    assert time.monotonic() - began > 0.75
    assert sum(answer.dropped for answer in got) > 5
    # A frame is chosen after the wait for its turn, so that it is new when it is answered.
    assert min(answer.waited_ms for answer in got[1:]) < 100


def test_sessions_and_ages_are_counted(service, talk, astronaut, wait_for):
    before = service.sample("liveseg_frame_age_seconds_count", kind="live")
    client = talk(service.address, {})
    client.until("ready")
    assert service.sample("liveseg_live_sessions") >= 1
    client.frame(astronaut[0], 1)
    client.hear()
    assert service.sample("liveseg_frame_age_seconds_count", kind="live") == before + 1
    for stage in ("decode", "render", "encode"):
        assert service.sample("liveseg_stage_seconds_count", stage=stage) > 0
    client.socket.close()
    wait_for(lambda: service.sessions.count == 0)
    assert service.sample("liveseg_live_sessions") == 0
