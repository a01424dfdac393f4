"""Names and options decide how a file is encoded; what is not known is refused with the choices."""

import av
import pytest

from liveseg.errors import UsageError
from liveseg.media.encoding import CONTAINERS, ENCODERS, choose_encoding


@pytest.mark.parametrize(
    ("name", "format_name", "codec"),
    [
        ("a.mp4", "mp4", "libx264"),
        ("a.M4V", "mp4", "libx264"),
        ("a.b.mov", "mov", "libx264"),
        ("a.mkv", "matroska", "libx264"),
        ("a.webm", "webm", "libvpx-vp9"),
    ],
)
def test_the_extension_says_container_and_codec(name, format_name, codec):
    encoding = choose_encoding(name)
    assert (encoding.container.format, encoding.codec) == (format_name, codec)


def test_the_defaults_of_the_usual_encoder():
    assert choose_encoding("a.mp4").options == {"crf": "20", "preset": "veryfast"}
    assert choose_encoding("a.mp4", crf=0, preset="slow").options == {"crf": "0", "preset": "slow"}


def test_effort_has_another_name_in_vp9():
    assert choose_encoding("a.webm", preset="4").options["cpu-used"] == "4"
    assert "preset" not in choose_encoding("a.webm").options_for(2)


@pytest.mark.parametrize("name", ["a.avi", "a.gif", "a", "a.mp4.txt"])
def test_other_extensions_are_refused(name):
    with pytest.raises(UsageError, match=r"end it in \.mp4, \.m4v, \.mov, \.mkv, \.webm$"):
        choose_encoding(name)


@pytest.mark.parametrize("codec", ["h264", "nonsense", "libvpx-vp9", "aac"])
def test_other_codecs_are_refused_with_the_choices(codec):
    with pytest.raises(UsageError, match=r"does not go into \.mov; choose one of libx264, libx265$"):
        choose_encoding("a.mov", codec=codec)


def test_browsers_do_not_play_h264_in_webm():
    with pytest.raises(UsageError, match=r"'libx264' does not go into \.webm; choose one of libvpx-vp9"):
        choose_encoding("a.webm", codec="libx264")


@pytest.mark.parametrize("crf", [-1, 52, 1000, float("nan")])
def test_a_quality_out_of_range_is_refused(crf):
    with pytest.raises(UsageError, match=r"is 0 \(best\) to 51, not "):
        choose_encoding("a.mp4", crf=crf)


def test_an_unknown_effort_is_refused_with_the_choices():
    with pytest.raises(UsageError, match="no preset 'fastest' in libx264; choose one of ultrafast, superfast"):
        choose_encoding("a.mp4", preset="fastest")


def test_every_default_is_among_the_choices_and_every_encoder_goes_somewhere():
    for name, encoder in ENCODERS.items():
        assert encoder.preset in encoder.presets
        assert 0 <= encoder.crf <= encoder.most_crf
        assert any(name in container.codecs for container in CONTAINERS.values())


def test_ffmpeg_knows_every_codec_that_is_named():
    for container in CONTAINERS.values():
        for codec in (*container.codecs, container.sound_encoder):
            assert av.codec.Codec(codec, "w").name == codec
        for codec in container.sound:
            assert av.codec.Codec(codec, "r").type == "audio"
