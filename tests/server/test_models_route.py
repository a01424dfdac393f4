"""`GET /v1/models` of a real service with two models."""

from __future__ import annotations

import time

import pytest

from liveseg.labels import PASCAL_VOC
from liveseg.models.registry import find_model
from liveseg.settings.serve import ServedModel
from liveseg.weights.locate import bundled


@pytest.fixture(scope="module")
def two(start_service):
    """A service with the bundled model, and its 8-bit form under a name of one's own."""
    own = ServedModel("small", bundled("lite", "int8.onnx"))
    return start_service(models=(ServedModel("lite"), own, ServedModel("lraspp")), models_in_memory=2)


@pytest.fixture(scope="module")
def client(two):
    with two.client() as client:
        yield client


def test_each_model_is_there_with_its_classes_and_colours(client):
    answer = client.get("/v1/models")
    assert answer.status_code == 200
    told = answer.json()
    assert told["default"] == "lite"
    assert [model["name"] for model in told["models"]] == ["lite", "small", "lraspp"]
    lite = told["models"][0]
    assert lite["default"]
    assert lite["state"] == "ready"
    assert lite["labels"] == list(PASCAL_VOC.names)
    assert [tuple(color) for color in lite["palette"]] == list(PASCAL_VOC.palette)
    assert lite["size"] in lite["sizes"]
    assert lite["device"] == "cpu"
    # On a processor a batch measured no faster.
    assert lite["batch"] == 1


def test_a_model_of_the_registry_is_described_before_it_is_loaded(client):
    told = client.get("/v1/models/lraspp").json()
    assert told["state"] == "absent"
    assert told["labels"] == list(PASCAL_VOC.names)
    assert told["size"] == 520
    assert told["sizes"] == [260, 390, 520, 780]
    assert told["runtime"] is None
    assert told["last_used_seconds"] is None


def test_asking_for_the_list_loads_nothing_but_a_picture_does(client, samples):
    before = client.get("/v1/models/small").json()
    assert before["state"] == "absent"
    # Nobody has read its file yet.
    assert before["labels"] is None
    assert before["sizes"] == []
    photo = (samples / "image_1.jpg").read_bytes()
    headers = {"Content-Type": "image/jpeg"}
    refused = client.post("/v1/segment?model=small&output=areas", content=photo, headers=headers)
    assert refused.status_code == 503
    assert int(refused.headers["Retry-After"]) >= 1
    assert "being loaded" in refused.json()["detail"]
    for _ in range(600):
        after = client.get("/v1/models/small").json()
        if after["state"] == "ready":
            break
        time.sleep(0.05)
    assert after["state"] == "ready"
    assert after["precision"] == "int8"
    assert after["labels"] == list(PASCAL_VOC.names)
    assert after["multiple"] == find_model("lite").contract.multiple
    answer = client.post("/v1/segment?model=small&output=areas", content=photo, headers=headers)
    assert answer.status_code == 200, answer.text


def test_a_model_that_is_not_there_is_a_404_that_names_those_that_are(client):
    answer = client.get("/v1/models/deeplabv3")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["known"] == ["lite", "small", "lraspp"]


def test_the_example_in_the_api_is_what_comes(client):
    schema = client.get("/openapi.json").json()["components"]["schemas"]["Model"]
    lite = client.get("/v1/models/lite").json()
    assert set(schema["properties"]) == set(lite)
    # The document leaves out what is null.
    assert set(schema["example"]) == {name for name, value in lite.items() if value is not None}
    for name in ("labels", "palette", "sizes", "multiple", "offset", "align_corners", "title", "background"):
        assert schema["example"][name] == lite[name], name
