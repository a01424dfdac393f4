import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveseg.palettes import PALETTES
from liveseg.server.problems import Problem
from liveseg.server.segment.options import SegmentOptions, parameters
from liveseg.settings.draw import DrawSettings


def refused(*given):
    with pytest.raises(Problem) as caught:
        SegmentOptions.of(given)
    assert caught.value.status == 422
    return caught.value.extra["parameter"], caught.value.detail


def test_what_is_not_given_is_as_on_the_command_line():
    options = SegmentOptions.of([])
    assert options.draw == DrawSettings()
    assert (options.model, options.size, options.foreground) == (None, None, None)


def test_every_option_is_read_as_its_declaration_says():
    options = SegmentOptions.of(
        [
            ("model", "lraspp"),
            ("size", "225"),
            ("alpha", "0.25"),
            ("palette", "safe"),
            ("classes", "person, cat"),
            ("hide", "dog"),
            ("contours", "true"),
            ("labels", "1"),
            ("legend", "on"),
            ("side_by_side", "false"),
            ("foreground", "cat"),
        ]
    )
    assert options.draw == DrawSettings(
        alpha=0.25, palette="safe", classes=("person", "cat"), hide=("dog",), contours=True, labels=True, legend=True
    )
    assert (options.model, options.size, options.foreground) == ("lraspp", 225, ("cat",))
    assert SegmentOptions.of([("size", "native")]).size == "native"


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("alpha", "2", "alpha is at most 1, not 2.0"),
        ("alpha", "-0.1", "alpha is at least 0"),
        ("alpha", "nan", "alpha is a number"),
        ("alpha", "inf", "alpha is at most 1"),
        ("alpha", "much", "alpha is a number, not 'much'"),
        ("contours", "maybe", "contours is true or false"),
        ("size", "0", "size is a number of pixels or native"),
        ("size", "31", "size is from 32 to 2048"),
        ("size", "999999", "size is from 32 to 2048"),
        ("size", "²", "size is"),
        ("classes", " , ", "no name given"),
        ("palette", "pastel", "palette is one of model, voc, safe, vivid"),
        ("pallete", "voc", "did you mean palette?"),
        ("x" * 5000, "", "no option"),
    ],
)
def test_what_is_wrong_is_told_by_the_name_of_the_parameter(name, text, words):
    parameter, detail = refused((name, text))
    assert parameter == name[:64]
    assert words in detail
    assert "--" not in detail
    assert len(detail) < 300


def test_an_option_given_twice_is_refused():
    assert refused(("alpha", "0.5"), ("alpha", "0.6")) == ("alpha", "alpha is given twice; leave one out")


@pytest.mark.parametrize("name", ["palette", "model"])
def test_no_option_reads_files_of_the_server(name, tmp_path):
    # On the command line a palette may be a file, and so may other options that are not taken here.
    (tmp_path / "colors.json").write_text('{"person": "#ff0000"}')
    if name == "palette":
        parameter, _ = refused((name, str(tmp_path / "colors.json")))
        assert parameter == name
    assert not {"weights", "background", "save", "output", "zones", "data_folder"} & set(parameters())


def test_the_description_says_what_is_checked():
    told = {name: parameter.to_openapi() for name, parameter in parameters().items()}
    alpha = told["alpha"]["schema"]
    assert (alpha["minimum"], alpha["maximum"], alpha["default"]) == (0.0, 1.0, 0.6)
    assert told["palette"]["schema"]["enum"] == list(PALETTES)
    assert told["contours"]["schema"] == {"type": "boolean", "default": False}
    assert "json" not in told["palette"]["description"]
    assert all(parameter["description"] and parameter["in"] == "query" for parameter in told.values())


@given(st.lists(st.tuples(st.sampled_from([*parameters(), "other"]), st.text(max_size=20)), max_size=4))
def test_whatever_is_given_is_taken_or_refused(given):
    try:
        options = SegmentOptions.of(given)
    except Problem as problem:
        told = problem.status, problem.extra["parameter"]
    else:
        told = 422, None
        assert options.given == {name for name, _ in given}
    assert told in {(422, None), *((422, name) for name, _ in given)}
