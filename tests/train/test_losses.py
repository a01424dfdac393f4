import pytest
import torch
from torch.nn import functional

from liveseg.train.losses import cross_entropy, divergence


@pytest.fixture
def logits():
    return torch.randn(2, 4, 5, 7, generator=torch.Generator().manual_seed(1), dtype=torch.float32)


def masks(height, width, seed=2):
    mask = torch.randint(0, 4, (2, height, width), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)
    mask[0, :3] = 255
    return mask


@pytest.mark.parametrize("aligned", [True, False])
def test_it_is_pytorchs_loss_at_full_size(logits, aligned):
    mask = masks(33, 49)
    full = functional.interpolate(logits, size=(33, 49), mode="bilinear", align_corners=aligned)
    expected = functional.cross_entropy(full, mask.long(), ignore_index=255)
    assert cross_entropy(logits, mask, align_corners=aligned) == pytest.approx(float(expected), rel=1e-5)
    smooth = functional.cross_entropy(full, mask.long(), ignore_index=255, label_smoothing=0.1)
    found = cross_entropy(logits, mask, align_corners=aligned, smoothing=0.1)
    assert found == pytest.approx(float(smooth), rel=1e-5)


@pytest.mark.parametrize(
    ("aligned", "step", "sides", "kept"),
    [(True, 4, (33, 49), slice(None, None, 4)), (False, 3, (33, 48), slice(1, None, 3))],
)
def test_with_a_step_it_looks_at_the_same_logits_at_fewer_pixels(logits, aligned, step, sides, kept):
    mask = masks(*sides)
    full = functional.interpolate(logits, size=sides, mode="bilinear", align_corners=aligned)
    expected = functional.cross_entropy(full[..., kept, kept], mask[..., kept, kept].long(), ignore_index=255)
    assert cross_entropy(logits, mask, align_corners=aligned, step=step) == pytest.approx(float(expected), rel=1e-4)


def test_a_step_that_falls_between_pixels_is_not_taken(logits):
    mask = masks(32, 48)
    for aligned in (True, False):
        every = cross_entropy(logits, mask, align_corners=aligned)
        assert cross_entropy(logits, mask, align_corners=aligned, step=4) == every


def test_weights_of_classes_are_pytorchs(logits):
    mask, weights = masks(33, 49), torch.tensor([0.1, 1.0, 2.0, 5.0])
    full = functional.interpolate(logits, size=(33, 49), mode="bilinear", align_corners=True)
    expected = functional.cross_entropy(full, mask.long(), weight=weights, ignore_index=255)
    found = cross_entropy(logits, mask, align_corners=True, class_weights=weights)
    assert found == pytest.approx(float(expected), rel=1e-3)


def test_pixels_at_an_edge_count_more_and_unlabelled_ones_make_none():
    mask = torch.zeros(1, 9, 9, dtype=torch.uint8)
    mask[:, :, 5:] = 1
    wrong_inside = torch.zeros(1, 2, 9, 9)
    wrong_inside[:, 1, :, 0] = 4.0
    wrong_at_edge = torch.zeros(1, 2, 9, 9)
    wrong_at_edge[:, 1, :, 4] = 4.0

    def loss(logits, mask, boundary):
        return float(cross_entropy(logits, mask, align_corners=True, boundary=boundary))

    assert loss(wrong_inside, mask, 0.0) == pytest.approx(loss(wrong_at_edge, mask, 0.0))
    assert loss(wrong_at_edge, mask, 3.0) > loss(wrong_at_edge, mask, 0.0) > loss(wrong_inside, mask, 3.0)
    rim = torch.zeros(1, 9, 9, dtype=torch.uint8)
    rim[:, :, 5:] = 255
    assert loss(wrong_at_edge, rim, 3.0) == pytest.approx(loss(wrong_at_edge, rim, 0.0))


def test_without_a_label_it_is_nothing_and_trains_nothing(logits):
    logits.requires_grad_()
    loss = cross_entropy(logits, torch.full((2, 33, 49), 255, dtype=torch.uint8), align_corners=True, boundary=1.0)
    loss.backward()
    assert loss == 0
    assert logits.grad.abs().max() == 0


def test_the_divergence_is_pytorchs_and_nothing_of_oneself(logits):
    teacher = torch.randn(logits.shape, generator=torch.Generator().manual_seed(4))
    everywhere = torch.ones(2, 5, 7)
    expected = functional.kl_div(
        functional.log_softmax(logits, 1), functional.log_softmax(teacher, 1), reduction="none", log_target=True
    )
    assert divergence(logits, teacher, everywhere) == pytest.approx(float(expected.sum(1).mean()), rel=1e-5)
    assert divergence(teacher + 3.0, teacher, everywhere) == pytest.approx(0.0, abs=1e-6)
    warm = functional.kl_div(
        functional.log_softmax(logits / 2, 1), functional.log_softmax(teacher / 2, 1), reduction="none", log_target=True
    )
    found = divergence(logits, teacher, everywhere, temperature=2.0)
    assert found == pytest.approx(4 * float(warm.sum(1).mean()), rel=1e-5)


def test_where_no_teacher_is_nothing_is_learned(logits):
    logits.requires_grad_()
    known = torch.zeros(2, 5, 7)
    known[0, 2, 3] = 1
    divergence(logits, torch.zeros_like(logits), known).backward()
    taught = logits.grad.abs().sum(dim=1) > 0
    assert taught.nonzero().tolist() == [[0, 2, 3]]
    assert divergence(logits, torch.zeros_like(logits), torch.zeros(2, 5, 7)) == 0
