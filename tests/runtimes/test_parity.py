"""The gate's numbers, counted by hand on networks whose answers are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from liveseg.contract import ModelContract
from liveseg.errors import ParityError, UsageError
from liveseg.labels import LabelSet, voc_palette
from liveseg.runtimes.parity import FLOAT, INT8, Limits, Picture, compare

CONTRACT = ModelContract("signs", LabelSet(("background", "vine", "grape"), voc_palette(3)), default_size=4)


class Painted:
    """A network that sees class c in the pixels of red value c; `change(logits)` gives its own errors."""

    name = "painted"
    device = "cpu"
    precision = "float32"

    def __init__(self, change=lambda logits: logits, contract=CONTRACT):
        self.change = change
        self.contract = contract

    def __call__(self, images):
        return self.change(np.stack([(images[..., 0] == index) * np.float32(10) for index in range(3)], axis=1))


def painted(classes):
    classes = np.array(classes, np.uint8)
    return np.repeat(classes[:, :, None], 3, axis=2)


FOUR = painted([[0, 0, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1], [1, 1, 1, 1]])
EIGHT = painted(np.repeat(np.repeat([[0, 2]], 8, axis=0), 4, axis=1))


def vine_lost(logits):
    """All vine of the first row that has any becomes background."""
    logits = logits.copy()
    if logits[0, 1].any():
        row = int(np.flatnonzero(logits[0, 1].any(axis=1))[0])
        logits[0, 0, row], logits[0, 1, row] = 10, 0
    return logits


def test_equal_networks_agree_wholly():
    (parity,) = compare(Painted(), [Painted()], [Picture(FOUR), Picture(EIGHT)], size="native")
    assert (parity.pictures, parity.agreement, parity.worst, parity.difference) == (2, 1, 1, 0)
    assert (parity.mask_miou, parity.miou, parity.reference_miou) == (1, None, None)
    assert parity.within(FLOAT)
    assert parity.to_json()["miou_change"] is None


def test_agreement_counts_pixels_of_all_pictures_and_names_the_worst():
    (parity,) = compare(Painted(), [Painted(vine_lost)], [Picture(FOUR), Picture(EIGHT)], size="native")
    assert parity.agreement == (12 + 64) / (16 + 64)
    assert parity.worst == 12 / 16
    assert parity.difference == 1
    # Background: 8 + 32 in both, 4 more in the candidate; vine: 4 of 8; grape: 32 of 32.
    assert parity.mask_miou == pytest.approx((40 / 44 + 4 / 8 + 1) / 3)


def test_true_masks_give_the_change_in_miou_and_255_does_not_count():
    truth = np.array(FOUR[:, :, 0])
    truth[:, 0] = 255
    truth[0, 1] = 1
    (parity,) = compare(Painted(), [Painted(vine_lost)], [Picture(FOUR, truth)], size="native")
    # Of 12 pixels the truth has 5 background and 7 vine; the reference finds 6 and 6, the candidate 9 and 3.
    assert parity.reference_miou == pytest.approx((5 / 6 + 6 / 7) / 2)
    assert parity.miou == pytest.approx((5 / 9 + 3 / 7) / 2)
    assert parity.to_json()["miou_change"] == pytest.approx(parity.miou - parity.reference_miou)


def test_the_difference_of_logits_is_a_share_of_the_largest():
    shifted = Painted(lambda logits: logits + np.float32(0.02))
    (parity,) = compare(Painted(), [shifted], [Picture(FOUR)], size="native")
    assert parity.difference == pytest.approx(0.002, rel=1e-3)
    assert parity.agreement == 1
    assert not parity.within(FLOAT)
    assert parity.within(INT8)
    assert not parity.within(Limits(agreement=0.9, difference=1e-3))


def test_each_candidate_has_its_own_numbers_and_the_reference_answers_once():
    calls = []
    reference = Painted(lambda logits: calls.append(1) or logits)
    good, bad = compare(reference, [Painted(), Painted(vine_lost)], [Picture(FOUR)], size="native")
    assert (good.agreement, bad.agreement, len(calls)) == (1, 0.75, 1)


def test_pictures_are_resized_as_the_contract_says_and_compared_at_their_own_size():
    seen = []
    reference = Painted(lambda logits: seen.append(logits.shape) or logits)
    (parity,) = compare(reference, [Painted(vine_lost)], [Picture(EIGHT), Picture(FOUR)], size=4)
    assert seen == [(1, 3, 4, 4), (1, 3, 4, 4)]
    assert parity.agreement == (64 + 12) / 80


def test_a_candidate_that_says_other_corners_gets_other_masks():
    swapped = Painted(contract=replace(CONTRACT, align_corners=True))
    picture = painted(np.kron([[0, 1, 0, 1]] * 4, np.ones((5, 5), int)))
    (parity,) = compare(Painted(), [swapped], [Picture(picture)], size=4)
    assert parity.difference == 0
    assert not parity.within(FLOAT)


def test_logits_of_another_shape_are_no_parity():
    cut = Painted(lambda logits: logits[:, :, 1:])
    with pytest.raises(ParityError, match=r"logits of shape \(3, 3, 4\)"):
        compare(Painted(), [cut], [Picture(FOUR)], size="native")


def test_without_pictures_nothing_is_compared():
    with pytest.raises(UsageError, match="at least one picture"):
        compare(Painted(), [Painted()], [], size="native")
