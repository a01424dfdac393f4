import re

import pytest

from liveseg.errors import UsageError
from liveseg.weights.catalogue import CATALOGUE, find_weights


def test_the_catalogue_holds_torchvision_s_four_files():
    assert {name: (e.filename, e.size, e.published_miou) for name, e in CATALOGUE.items()} == {
        "lraspp": ("lraspp_mobilenet_v3_large-d234d4ea.pth", 13_097_061, 57.9),
        "deeplabv3": ("deeplabv3_mobilenet_v3_large-fc3c493d.pth", 44_356_159, 60.3),
        "deeplabv3_resnet50": ("deeplabv3_resnet50_coco-cd0a2569.pth", None, 66.4),
        "fcn_resnet50": ("fcn_resnet50_coco-1167a1af.pth", None, 60.5),
    }


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_hash_begins_as_the_file_s_own_name_says(name):
    entry = find_weights(name)
    stated = re.search(r"-([0-9a-f]{8})\.pth$", entry.filename)[1]
    assert re.fullmatch(r"[0-9a-f]{8}|[0-9a-f]{64}", entry.sha256_prefix)
    assert entry.sha256_prefix.startswith(stated)
    assert entry.url == f"https://download.pytorch.org/models/{entry.filename}"
    assert (entry.name, entry.classes) == (name, 21)


@pytest.mark.parametrize("name", ["lraspp", "deeplabv3"])
def test_the_two_models_of_the_tutorial_have_their_full_hash(name):
    assert len(find_weights(name).sha256_prefix) == 64


def test_a_misspelt_name_is_answered_with_near_ones():
    with pytest.raises(UsageError, match="no published weights named 'lrasp'; did you mean lraspp"):
        find_weights("lrasp")


def test_a_name_like_no_other_is_answered_with_all_of_them():
    with pytest.raises(UsageError, match="choose one of lraspp, deeplabv3, deeplabv3_resnet50, fcn_resnet50"):
        find_weights("zzz")


def test_the_bundled_model_needs_no_fetching():
    with pytest.raises(UsageError, match="'lite' are part of liveseg"):
        find_weights("lite")
