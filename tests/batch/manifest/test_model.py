"""Whatever happens in whatever order, the manifest says what a list in memory says that never forgets anything."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from liveseg.batch.manifest import Manifest, sorting, tables
from liveseg.batch.manifest.lines import encode
from liveseg.batch.manifest.log import WorkerLog


def plain_state(records):
    """What holds, worked out the slow way: a dictionary a level."""
    state = {}
    for record in records:
        state.setdefault(record.name, []).append(record)
    return {name: plain_outcome(told) for name, told in state.items()}


def plain_outcome(told):
    good = {"done": 2, "part": 1, "failed": 0}
    best = {}
    for record in told:
        count = 0 if record.piece is None else record.pieces
        where = (record.identifier, record.settings, record.piece, count)
        strength = (good[record.status], record.finished, record.attempts, record.error_kind or "", encode(record))
        if where not in best or strength > best[where][0]:
            best[where] = (strength, record)
    left = [record for _, record in best.values()]

    def age(record):
        count, piece = (0, -1) if record.piece is None else (record.pieces, record.piece)
        told = (record.finished, record.attempts, good[record.status], record.identifier, record.settings)
        return (*told, count, piece)

    newest = max(left, key=age)
    left = [r for r in left if r.identifier == newest.identifier and r.settings == newest.settings]
    pieces = [r for r in left if r.piece is not None]
    whole = [r for r in left if r.piece is None]
    if not pieces or (whole and whole[0].status == "done"):
        return whole
    newest_piece = max(pieces, key=age)
    pieces = [r for r in pieces if r.pieces == newest_piece.pieces]
    kept = whole if whole and age(whole[0]) > age(newest_piece) else []
    return kept + sorted(pieces, key=lambda record: record.piece)


def machine(place_class, killed, some_records):  # noqa: C901 - one rule after the other
    class ManifestMachine(RuleBasedStateMachine):
        logs = Bundle("logs")

        def __init__(self):
            super().__init__()
            self.place = None
            self.told = []

        @rule(target=logs, appends=st.booleans())
        def worker(self, appends):
            if self.place is None:
                self.place = place_class(appends=appends)
            return WorkerLog(self.place, "run", "worker/1")

        @rule(log=logs, records=st.lists(some_records, max_size=4))
        def append(self, log, records):
            log.append(records)
            self.told.extend(records)

        @rule(log=logs)
        def end(self, log):
            log.close()

        @rule(log=logs, data=st.data())
        def deliver_again(self, log, data):
            if self.told:
                log.append(data.draw(st.lists(st.sampled_from(self.told), max_size=3)))

        @rule(log=logs, record=some_records, data=st.data())
        def die_in_the_middle_of_a_line(self, log, record, data):
            if self.place.appends:
                line = encode(record).encode()
                torn = line[: data.draw(st.integers(1, len(line) - 1))]
                self.place.append(torn, f"{log._folder}/999999.jsonl")

        @rule(log=logs, record=some_records, at=st.integers(0, 5), when=st.sampled_from(["before", "after"]))
        def die_at_an_append(self, log, record, at, when):
            self.place.cut = (self.place.calls + at, when)
            with suppress(killed):
                log.append([record])
            self.place.cut = None
            # The first call writes it down; those after it put earlier objects together.
            if at or when == "after":
                self.told.append(record)

        @rule()
        def compact(self):
            if self.place is not None:
                Manifest(self.place).compact()

        @rule(at=st.integers(0, 40), when=st.sampled_from(["before", "after"]))
        def compact_until_killed(self, at, when):
            if self.place is not None:
                manifest = Manifest(self.place)
                lock = manifest.lock("killed", seconds=3600)
                with lock:
                    self.place.cut = (self.place.calls + at, when)
                    with suppress(killed):
                        manifest.compact()
                    self.place.cut = None

        @invariant()
        def the_manifest_says_what_memory_says(self):
            if self.place is None:
                return
            manifest = Manifest(self.place)
            expected = plain_state(self.told)
            got = {}
            for record in manifest.records():
                got.setdefault(record.name, []).append(record)
            assert got == expected
            assert list(got) == sorted(got)
            with manifest.index() as index:
                for name, told in expected.items():
                    assert name in got
                    found = index.find(told[0], told[0].settings)
                    outcomes = [*([found.whole] if found.whole else []), *found.parts]
                    assert [tuple(o) for o in outcomes] == [brief(record) for record in told]
                counted = [record.status for told in expected.values() for record in told]
                assert index.counts() == {status: counted.count(status) for status in set(counted)}

    return ManifestMachine


def brief(record):
    pieces = None if record.piece is None else record.pieces
    told = (record.identifier, record.settings, record.status, record.finished, record.attempts, record.error_kind)
    return (record.piece, pieces, *told)


def test_any_interleaving_of_appends_deaths_compactions_and_repetitions(
    memory_place, killed, some_records, monkeypatch
):
    # Small, so that a few records go through every path that millions take.
    monkeypatch.setattr(sorting, "PART_RECORDS", 3)
    monkeypatch.setattr(sorting, "MOST_PARTS", 2)
    monkeypatch.setattr(tables, "BATCH_ROWS", 1)
    monkeypatch.setattr(tables, "GROUP_ROWS", 2)
    monkeypatch.setattr(tables, "FILE_ROWS", 4)
    monkeypatch.setattr("liveseg.batch.manifest.log.ROLLED_APPENDS", 3)
    run_state_machine_as_test(
        machine(memory_place, killed, some_records),
        settings=settings(max_examples=30, stateful_step_count=12, deadline=None),
    )
