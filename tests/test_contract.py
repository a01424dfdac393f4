from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveseg.contract import SCHEMA, ModelContract
from liveseg.errors import WeightsError
from liveseg.labels import PASCAL_VOC

LITE = ModelContract("lite", PASCAL_VOC, multiple=16, offset=1, align_corners=True, default_size=385)


@pytest.mark.parametrize("size", [(0, 4), (4,), (4, 4, 4), ("4", 4), 4])
def test_a_fixed_size_is_a_height_and_a_width(size):
    contract = ModelContract("vines", PASCAL_VOC, fixed_size=(177, 225))
    assert ModelContract.from_json(contract.to_json()) == contract
    record = json.loads(contract.to_json()) | {"fixed_size": size}
    with pytest.raises(WeightsError):
        ModelContract.from_json(json.dumps(record))


@given(st.floats(0.1, 5000), st.integers(1, 64), st.integers(0, 1))
def test_a_fitted_size_obeys_the_rule_and_is_the_nearest(pixels, multiple, offset):
    contract = ModelContract("x", PASCAL_VOC, multiple=multiple, offset=offset)
    fitted = contract.fit(pixels)
    assert (fitted - offset) % multiple == 0
    assert fitted >= multiple + offset
    if pixels >= multiple + offset:
        assert abs(fitted - pixels) <= multiple / 2 + 1e-6


def test_lite_takes_sizes_of_sixteen_k_plus_one():
    assert [LITE.fit(size) for size in (1, 17, 380, 385, 576)] == [17, 17, 385, 385, 577]


def test_a_contract_survives_json():
    assert ModelContract.from_json(LITE.to_json()) == LITE


def test_a_newer_schema_asks_for_an_upgrade():
    record = json.loads(LITE.to_json()) | {"schema": SCHEMA + 1}
    with pytest.raises(WeightsError, match="upgrade liveseg"):
        ModelContract.from_json(json.dumps(record))


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"schema": 1}', '{"schema": 1, "labels": ["a"], "foo": 1}'])
def test_text_that_is_no_contract_is_refused(text):
    with pytest.raises(WeightsError):
        ModelContract.from_json(text)


@pytest.mark.parametrize(
    "change", [{"multiple": 1.5}, {"name": 3}, {"default_size": float("nan")}, {"align_corners": 1}]
)
def test_a_record_of_other_types_is_refused(change):
    record = json.loads(LITE.to_json()) | change
    with pytest.raises(WeightsError):
        ModelContract.from_json(json.dumps(record))


def test_a_size_rule_that_makes_no_sense_is_refused():
    with pytest.raises(WeightsError, match="size rule"):
        ModelContract("x", PASCAL_VOC, multiple=0)
