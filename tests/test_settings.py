from __future__ import annotations

from fractions import Fraction

import pytest

from liveseg.errors import UsageError
from liveseg.settings import RunSettings, about
from liveseg.settings.parse import parse_names, parse_seconds, parse_size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("12", 12), ("12.5", Fraction(25, 2)), ("0.1", Fraction(1, 10)), (".5", Fraction(1, 2)), ("1:30", 90),
        ("1:02:03.5", Fraction(7447, 2)), ("90s", 90),
    ],
)  # fmt: skip
def test_times_are_read_exactly(text, seconds):
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "-1", "1:2:3:4", "abc", "1:", "1e3", "nan"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(UsageError, match="is no time"):
        parse_seconds(text)


def test_sizes_and_names_are_read():
    assert parse_size(" Native ") == "native"
    assert parse_size("520") == 520
    assert parse_names("person, car,") == ("person", "car")


@pytest.mark.parametrize("text", ["0", "-5", "big", "", "5.5"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(UsageError, match="size is"):
        parse_size(text)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alpha": 1.01}, "--alpha is at most 1"), ({"alpha": -0.1}, "--alpha is at least 0"),
        ({"every": 0}, "--every is at least 1"), ({"threads": 0}, "--threads is at least 1"),
        ({"runtime": "tflite"}, "--runtime is one of auto, onnx, openvino"), ({"crf": 64}, "--crf is at most 63"),
        ({"foreground": ("person",)}, "--foreground says what stays of --background or --save cutout"),
        ({"overwrite": True, "skip_existing": True}, "contradict"), ({"verbose": True, "quiet": True}, "contradict"),
    ],
)  # fmt: skip
def test_python_callers_get_the_same_answers_as_the_command_line(options, message):
    with pytest.raises(UsageError, match=message):
        RunSettings(**options)


def test_every_option_has_help_and_a_default_that_passes():
    RunSettings()
    assert all(told.help.endswith(".") for _, told in about(RunSettings))
    assert len(about(RunSettings)) == len(RunSettings.__dataclass_fields__)


@pytest.mark.parametrize("seconds", [Fraction(0), Fraction(-1)])
def test_no_time_at_all_is_no_timeout(seconds):
    with pytest.raises(UsageError, match="--timeout is above 0 s"):
        RunSettings(timeout=seconds)
