"""What a run was told is kept, and a run with other settings on the same destination is refused in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from liveseg.batch.manifest import ChangedSettingsError, LostLockError, Manifest, ManifestError, RunFacts
from liveseg.batch.manifest.log import WorkerLog

FACTS = RunFacts(
    run="2026-11-23-a",
    started=10.0,
    settings={"size": 512, "save": ("mask", "overlay"), "smooth": False, "labels": None},
    settings_hash="h1",
    model="lite",
    weights="w1",
    version="0.7.0",
    inputs=("s3://bucket/in",),
    host="box",
)


@pytest.fixture
def manifest(memory_place, a_record):
    """Of a destination with one result."""
    place = memory_place(appends=True)
    manifest = Manifest(place)
    assert manifest.facts() is None
    manifest.begin(FACTS)
    WorkerLog(place, FACTS.run, "w").append([a_record()])
    return manifest


def test_the_facts_of_all_runs_are_kept(manifest):
    again = replace(FACTS, run="2026-11-24/b", started=20.0)
    manifest.begin(again)
    assert manifest.facts().run == again.run
    assert [facts.run for facts in manifest.runs()] == [FACTS.run, again.run]
    assert manifest.runs()[0] == replace(FACTS, settings=FACTS.settings | {"save": ["mask", "overlay"]})


def test_changed_settings_are_refused_and_named(manifest):
    changed = FACTS.settings | {"size": 384, "save": ("mask",), "smooth": True, "labels": "cats.json"}
    other = replace(FACTS, run="b", settings=changed, settings_hash="h2", weights="w2", version="0.8.0")
    with pytest.raises(ChangedSettingsError) as caught:
        manifest.begin(other)
    assert str(caught.value) == (
        "memory://destination holds results of other settings: --labels was not set and is cats.json; "
        "--save was mask,overlay and is mask; --size was 512 and is 384; --smooth was off and is on; "
        "the weights of lite are others; liveseg was 0.7.0 and is 0.8.0; add --on-changed redo to make them all again, "
        "take the settings back, or choose another --out"
    )
    assert caught.value.exit_code == 2
    assert [facts.run for facts in manifest.runs()] == [FACTS.run]
    manifest.begin(other, on_changed="redo")
    assert manifest.facts().settings_hash == "h2"
    with pytest.raises(ChangedSettingsError, match="--size was 384 and is 512"):
        manifest.begin(FACTS)


def test_the_same_settings_in_another_form_are_the_same(manifest):
    manifest.begin(replace(FACTS, run="b", version="0.7.1", inputs=("elsewhere",), settings_hash="h1"))
    assert manifest.facts().run == "b"


def test_nothing_is_refused_where_nothing_was_made(memory_place):
    manifest = Manifest(memory_place(appends=False))
    manifest.begin(FACTS)
    manifest.begin(replace(FACTS, run="b", settings_hash="h2", settings={}))
    assert manifest.facts().settings_hash == "h2"


def test_tables_count_as_results_as_logs_do(manifest):
    manifest.compact()
    with pytest.raises(ChangedSettingsError, match="what decides the outputs has changed"):
        manifest.begin(replace(FACTS, run="b", settings_hash="h2"))


def test_facts_that_are_damaged_or_newer_are_refused_with_what_to_do(manifest):
    name = "_liveseg/run.json"
    whole = manifest.place.files[name]
    manifest.place.files[name] = whole[:50]
    with pytest.raises(ManifestError, match=r"memory://destination/_liveseg/run.json is damaged; delete it, or choose"):
        manifest.begin(FACTS)
    manifest.place.files[name] = whole.replace(b'"format": 1', b'"format": 2')
    with pytest.raises(ManifestError, match="newer liveseg; upgrade"):
        manifest.begin(FACTS)
    manifest.place.files[name] = whole.replace(b'"format": 1', b'"format": 1, "more": 3')
    assert manifest.facts().run == FACTS.run


def test_a_run_that_lost_its_lock_does_not_begin(manifest):
    with manifest.lock("first", seconds=3600):
        manifest.place.files["_liveseg/lock/000002.json"] = manifest.place.files["_liveseg/lock/000001.json"]
        with pytest.raises(LostLockError):
            manifest.begin(replace(FACTS, run="b"))
    assert manifest.facts().run == FACTS.run
