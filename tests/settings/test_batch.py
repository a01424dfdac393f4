"""The options of `liveseg batch`."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from liveseg.errors import UsageError
from liveseg.settings import BatchSettings, RunSettings, about
from liveseg.settings.background import Scene
from liveseg.settings.batch import FailureLimit, parse_failures, parse_storage
from liveseg.settings.save import parse_saves


def test_every_option_has_help_and_a_default_that_passes():
    BatchSettings()
    assert all(told.help.endswith(".") for _, told in about(BatchSettings))
    assert len(about(BatchSettings)) == len(BatchSettings.__dataclass_fields__)


def test_what_a_batch_shares_with_a_run_is_declared_once():
    own, run = ({field.name: told for field, told in about(kind)} for kind in (BatchSettings, RunSettings))
    shared = set(own) & set(run) - {"json"}
    assert {"model", "size", "alpha", "save", "codec", "audio", "smooth", "background"} <= shared
    assert all(own[name] is run[name] for name in shared)
    # Nothing of a batch is for live sources, windows or the names of single files.
    assert not {"show", "output", "overwrite", "reconnect", "target_fps", "caption", "threads"} & set(own)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alpha": 1.5}, "--alpha is at most 1"), ({"attempts": 0}, "--attempts is at least 1"),
        ({"redo": "some"}, "--redo is one of changed, failed, all, none"), ({"workers": 0}, "--workers is at least 1"),
        ({"workers": 2, "ray": "local"}, "--workers are those of this machine"),
        ({"min_workers": 4, "max_workers": 2}, "--max-workers 2 is less than --min-workers 4"),
        ({"foreground": ("person",)}, "--foreground says what stays"), ({"pieces_seconds": -1.0}, "--pieces-seconds"),
        ({"verbose": True, "quiet": True}, "contradict"), ({"threads_each": 0}, "--threads-each is at least 1"),
    ],
)  # fmt: skip
def test_values_out_of_range_and_contradictions_are_refused(options, message):
    with pytest.raises(UsageError, match=message):
        BatchSettings(**options)


def test_the_settings_of_a_run_are_the_same_with_the_workers_threads():
    settings = BatchSettings(
        out="there", threads_each=3, size=97, crf=30, save=(parse_saves("mask,areas"),), smooth=False, json=True
    )
    run = settings.for_run()
    assert (run.threads, run.size, run.crf, run.smooth, run.overwrite) == (3, 97, 30, False, True)
    assert [str(save) for save in run.saves] == ["mask", "areas"]
    assert run.start == Fraction(0)
    assert run.limit is None


def test_the_destination_has_to_be_named():
    assert BatchSettings(out="s3://bucket/there").destination == "s3://bucket/there"
    with pytest.raises(UsageError, match="--out"):
        _ = BatchSettings().destination


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("none", FailureLimit()), ("100", FailureLimit(count=100)), ("0", FailureLimit(count=0)),
        ("5%", FailureLimit(share=0.05)), (" 2.5 % ", FailureLimit(share=0.025)),
    ],
)  # fmt: skip
def test_limits_of_failures_are_read_and_written_alike(text, limit):
    assert parse_failures(text) == limit
    assert parse_failures(str(limit)) == limit


@pytest.mark.parametrize("text", ["", "-1", "many", "101%", "1.5", "nan"])
def test_what_is_no_limit_is_refused(text):
    with pytest.raises(UsageError, match="is no number of failures"):
        parse_failures(text)


def test_a_number_of_failures_is_passed_by_one_more():
    assert not FailureLimit(count=2).passed(2, 2)
    assert FailureLimit(count=2).passed(3, 3)
    assert not FailureLimit().passed(10**9, 10**9, ended=True)


def test_a_share_is_judged_once_enough_files_are_finished():
    limit = FailureLimit(share=0.05)
    assert not limit.passed(1, 1)
    assert not limit.passed(5, 100)
    assert limit.passed(6, 100)
    assert limit.passed(1, 1, ended=True)


def test_storage_options_nest_at_dots_and_hold_json():
    given = ["anon=true", "endpoint_url=http://127.0.0.1:9000", "client_kwargs.region_name=eu", "config_kwargs.n=3"]
    settings = BatchSettings(storage=tuple(parse_storage(text) for text in given))
    assert settings.storage_options == {
        "anon": True,
        "endpoint_url": "http://127.0.0.1:9000",
        "client_kwargs": {"region_name": "eu"},
        "config_kwargs": {"n": 3},
    }
    with pytest.raises(UsageError, match="contradicts"):
        _ = BatchSettings(storage=(("a", 1), ("a.b", 2))).storage_options


def test_a_storage_option_that_cannot_be_read_is_not_repeated_for_it_may_be_a_secret():
    for text in ("hunter2", "=hunter2", "bad key=hunter2"):
        with pytest.raises(UsageError, match="KEY=VALUE") as caught:
            parse_storage(text)
        assert "hunter2" not in str(caught.value)


def test_paths_are_made_absolute_for_other_processes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.json").write_text("[]", encoding="utf-8")
    settings = BatchSettings(
        out="there", weights=Path("own.onnx"), palette="own.json", background=Scene(Path("back.jpg"))
    ).absolute()
    assert settings.out == str(tmp_path / "there")
    assert settings.weights == tmp_path / "own.onnx"
    assert settings.palette == str(tmp_path / "own.json")
    assert settings.background == Scene(tmp_path / "back.jpg")
    kept = BatchSettings(out="gs://bucket/there", palette="safe").absolute()
    assert (kept.out, kept.palette) == ("gs://bucket/there", "safe")
