"""`--background` and `--foreground` from end to end."""

import av
import numpy as np
import pytest
from PIL import Image

GREEN = (0, 200, 60)


def pixels(path):
    return np.asarray(Image.open(path))


def frames(path):
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24").astype(int) for frame in container.decode(video=0)]


def test_a_picture_gets_another_background_without_class_colours(run_liveseg, samples, tmp_path):
    photo = samples / "image_2.jpg"
    done = run_liveseg("run", photo, "--background", "#00c83c", "-o", tmp_path / "green.png")
    assert done.returncode == 0, done.stderr
    made, source = pixels(tmp_path / "green.png"), pixels(photo)
    assert (made[:100, 400:] == GREEN).all()
    assert np.array_equal(made[60:160, 190:250], source[60:160, 190:250])  # her face


def test_contours_are_drawn_on_it_where_they_are_asked_for(run_liveseg, samples, tmp_path):
    for more in ([], ["--contours"]):
        command = ["run", samples / "image_2.jpg", "--background", "white", *more, "-o", tmp_path / f"{len(more)}.png"]
        assert run_liveseg(*command).returncode == 0
    without, with_them = pixels(tmp_path / "0.png"), pixels(tmp_path / "1.png")
    assert 0.001 < (without != with_them).any(axis=2).mean() < 0.1


def test_the_foreground_is_what_is_named(run_liveseg, samples, tmp_path):
    wall = samples / "image_2.jpg"
    cat = samples / "image_1.jpg"
    done = run_liveseg("run", cat, "--background", wall, "--foreground", "cat", "-o", tmp_path / "cat.png")
    assert done.returncode == 0, done.stderr
    made, source = pixels(tmp_path / "cat.png"), pixels(cat)
    assert np.array_equal(made[100:200, 100:250], source[100:200, 100:250])
    assert np.abs(made[50:150, 420:].astype(int) - source[50:150, 420:]).mean() > 20
    unknown = run_liveseg("run", cat, "--background", "blur", "--foreground", "cta", "-o", tmp_path / "no.png")
    assert unknown.returncode == 2
    assert "did you mean cat" in unknown.stderr.replace("\n", " ")
    assert not (tmp_path / "no.png").exists()


@pytest.mark.parametrize(
    ("background", "said"),
    [("gren", "is no background"), ("blur:0", "above 0 and up to 50"), ("input/README.md", "README.md is not a")],
)
def test_what_is_no_background_is_told_in_a_line(run_liveseg, samples, tmp_path, background, said):
    command = ["run", samples / "image_2.jpg", "--background", background, "-o", tmp_path / "no.png"]
    done = run_liveseg(*command, cwd=samples.parent)
    assert done.returncode in (1, 2)
    assert said in " ".join(done.stderr.replace("│", " ").split())
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "no.png").exists()


@pytest.mark.long
def test_a_video_plays_behind_a_video_and_masks_make_the_same_of_it(run_liveseg, samples, tmp_path):
    clip, behind = samples / "video_1.mp4", samples / "video_2.mp4"
    look = ["--background", behind, "--foreground", "person", "--limit", 40]
    made = run_liveseg("run", clip, *look, "--save", "overlay,mask", "-o", tmp_path / "made.mp4")
    assert made.returncode == 0, made.stderr
    (masks,) = tmp_path.glob("*.nut")
    again = run_liveseg("render", clip, masks, *look, "-o", tmp_path / "again.mp4")
    assert again.returncode == 0, again.stderr
    first, second, wanted = (frames(path) for path in (tmp_path / "made.mp4", tmp_path / "again.mp4", behind))
    assert len(first) == len(second) == 40
    # In a corner there is the video behind, in step: 25 frames a second before 30.
    corner = (slice(0, 60), slice(400, 480))
    for number in (0, 20, 39):
        expected = wanted[int(number / 25 * 30000 / 1001)]
        scaled = np.asarray(Image.fromarray(expected.astype(np.uint8)[:, :]).resize((540, 360)))[:, 30:510]
        assert np.abs(first[number][corner] - scaled[corner]).mean() < 8
    assert np.mean([np.abs(one - other).mean() for one, other in zip(first, second, strict=True)]) < 1.5


def test_a_cutout_has_the_foreground_that_is_named(run_liveseg, samples, tmp_path):
    command = ["run", samples / "image_1.jpg", "--save", "cutout", "--foreground"]
    for name in ("cat", "person"):
        done = run_liveseg(*command, name, "-o", tmp_path / f"{name}.png")
        assert done.returncode == 0, done.stderr
    cat, person = (pixels(tmp_path / f"{name}.png")[..., 3] for name in ("cat", "person"))
    assert 0.5 < (cat == 255).mean() < 0.9
    assert ((cat > 0) & (cat < 255)).any()
    assert person.max() == 0
