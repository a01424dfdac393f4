"""A destination in memory that can be cut off at any of its calls, and records made by chance."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from hypothesis import strategies as st

from liveseg.batch.manifest.lines import settled
from liveseg.batch.places.errors import StorageError
from liveseg.batch.records import Record


class GoneError(StorageError, FileNotFoundError):
    """A name that is not there."""


class Killed(BaseException):
    """The process ends here: nothing handles this."""


class MemoryPlace:
    """What a destination does, as a dictionary.

    `cut` names the call, counted from 0, at which the process ends, before or after the call took effect.
    """

    address = "memory://destination"
    folder = None

    def __init__(self, *, appends):
        self.appends = appends
        self.files = {}
        self.calls = 0
        self.cut = None
        self.counts = {}
        self._one = threading.RLock()

    def _call(self, kind, effect):
        with self._one:
            number, self.calls = self.calls, self.calls + 1
            self.counts[kind] = self.counts.get(kind, 0) + 1
            # Once it has ended, no thread of it does anything more.
            if self.cut is not None and number >= self.cut[0]:
                if number == self.cut[0] and self.cut[1] == "after":
                    effect()
                raise Killed
            return effect()

    def read(self, name):
        return self._call("read", lambda: self._there(name))

    def fetch(self, name, to):
        return self._call("fetch", lambda: Path(to).write_bytes(self._there(name)))

    def commit(self, source, name):
        data = Path(source).read_bytes()
        self._call("commit", lambda: self.files.__setitem__(name, data))
        return len(data)

    def commit_bytes(self, data, name, *, only_new=False):
        def effect():
            if only_new and name in self.files:
                return False
            self.files[name] = data
            return True

        return self._call("commit", effect)

    def append(self, data, name):
        assert self.appends
        self._call("append", lambda: self.files.__setitem__(name, self.files.get(name, b"") + data))

    def names(self, under=""):
        return iter(
            self._call("names", lambda: [(n, len(d)) for n, d in self.files.items() if n.startswith(f"{under}/")])
        )

    def exists(self, name):
        return self._call("exists", lambda: name in self.files)

    def size(self, name):
        return self._call("size", lambda: len(self._there(name)))

    def delete(self, name):
        self._call("delete", lambda: self.files.pop(name, None))

    def _there(self, name):
        if name not in self.files:
            raise GoneError(f"{name} is not there")
        return self.files[name]


@pytest.fixture(scope="session")
def memory_place():
    return MemoryPlace


@pytest.fixture(scope="session")
def killed():
    return Killed


def make_record(name="a", **told):
    identifier = told.pop("identifier", "0" * 31 + "1")
    told = {"location": f"/in/{name}.jpg", "kind": "image", "status": "done", "settings": "s", "finished": 1.0} | told
    return settled(Record(identifier=identifier, name=name, **told))


@pytest.fixture(scope="session")
def a_record():
    return make_record


@st.composite
def records(draw):
    """Records that have much to do with each other: few names, versions, settings, divisions and times."""
    piece, pieces = draw(st.sampled_from([(None, None), (None, None), (None, 2), (0, 2), (1, 2), (0, 3)]))
    good = "done" if piece is None else "part"
    status = draw(st.sampled_from([good, "failed"]))
    return make_record(
        draw(st.sampled_from(["a", "b", "c/\udcff"])),
        identifier=draw(st.sampled_from(["0" * 31 + "1", "0" * 31 + "2"])),
        settings=draw(st.sampled_from(["s", "t"])),
        piece=piece,
        pieces=pieces,
        kind="image" if pieces is None else "video",
        status=status,
        error_kind=draw(st.sampled_from([None, "lost"])) if status == "failed" else None,
        attempts=draw(st.integers(1, 2)),
        finished=draw(st.sampled_from([1.0, 2.0, 3.5])),
        worker=draw(st.sampled_from(["", "w"])),
        areas={"cat": draw(st.integers(0, 1))},
    )


@pytest.fixture(scope="session")
def some_records():
    return records()
