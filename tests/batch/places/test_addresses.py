"""Addresses of places, web servers, memory, and what keeps credentials out of everything."""

from __future__ import annotations

import functools
import http.server
import pickle
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from fsspec.registry import _registry as loaded

from liveseg.batch.places import BusyError, NotStoredError, Patience, Place, StorageError
from liveseg.batch.places.address import options_for
from liveseg.batch.places.retry import Tries
from liveseg.errors import MissingExtraError, UsageError

QUICK = Patience(attempts=4, shortest=0.01, longest=0.05, total=20)


@pytest.mark.parametrize(
    "address",
    [
        "s3://KEY:HIDDEN@bucket/folder",
        "https://me:HIDDEN@host/a.jpg",
        "https://HIDDEN@host/a.jpg",
        "https://host/a.jpg?X-Amz-Signature=HIDDEN&x=1",
        "https://host/a.jpg?x=1&token=HIDDEN",
        "https://host/a.jpg?sv=1&sig=HIDDEN",
        "https://host/a.jpg?AWSAccessKeyId=HIDDEN",
    ],
)
def test_addresses_with_credentials_are_refused_without_repeating_them(address):
    with pytest.raises(UsageError, match="written into logs") as caught:
        Place.at(address)
    assert "HIDDEN" not in str(caught.value)


def test_addresses_keep_what_is_no_secret():
    assert Place.at("HTTPS://host/a?page=2").address == "https://host/a?page=2"
    assert Place.at("s3://bucket/mail@home:2/").address == "s3://bucket/mail@home:2"
    assert Place.at("abfss://box@account.dfs.core.windows.net/x").address.startswith("abfss://box@account")
    with pytest.raises(UsageError, match="names no bucket"):
        Place.at("s3:///folder")


def test_options_of_other_schemes_are_left_out():
    options = {"timeout": 5, "s3": {"anon": True, "timeout": 9}, "http": {"headers": {"A": "b"}}, "az": {"x": 1}}
    assert options_for("s3", options) == {"timeout": 9, "anon": True}
    assert options_for("https", options) == {"timeout": 5, "headers": {"A": "b"}}
    assert options_for("abfs", options) == {"timeout": 5, "x": 1}
    assert options_for("memory", None) == {}


def test_a_scheme_that_nobody_knows_is_named():
    with pytest.raises(UsageError, match="begin with nonsense:// are not read"):
        Place.at("nonsense://a/b").read("c")


def test_an_option_that_does_not_fit_is_named_without_its_value():
    place = Place.at("http://127.0.0.1:9/", {"http": {"passwort": "HIDDEN"}})
    with pytest.raises(UsageError, match="no storage option 'passwort'; it has headers") as caught:
        place.read("a")
    assert "HIDDEN" not in str(caught.value)


@pytest.mark.parametrize(
    ("scheme", "package", "extra"), [("s3", "s3fs", "s3"), ("gs", "gcsfs", "gcs"), ("az", "adlfs", "azure")]
)
def test_a_missing_package_is_named_with_its_extra(monkeypatch, scheme, package, extra):
    monkeypatch.setitem(sys.modules, package, None)
    # Another test of this process may have used it: what was loaded once is not loaded again.
    monkeypatch.delitem(loaded, scheme, raising=False)
    with pytest.raises(MissingExtraError, match=rf"pip install 'liveseg\[{extra}\]'"):
        Place.at(f"{scheme}://bucket/missing-{package}", {"only": package}).read("a")


def test_places_of_this_machine_need_none_of_these_packages():
    code = (
        "import sys, tempfile\n"
        "from liveseg.batch.places import Place\n"
        "from liveseg.batch.listing import items\n"
        "place = Place.at(tempfile.mkdtemp())\n"
        "place.commit_bytes(b'', 'a.jpg')\n"
        "assert [item.name for item in items([place.address])] == ['a']\n"
        "loaded = {'fsspec', 's3fs', 'pyarrow', 'requests', 'aiohttp', 'pandas', 'numpy'} & set(sys.modules)\n"
        "sys.exit(f'loaded {loaded}' if loaded else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_memory_keeps_files_for_one_process():
    place = pickle.loads(pickle.dumps(Place.at("memory://tests/places")))  # noqa: S301
    assert place.commit_bytes(b"1", "a/b", only_new=True)
    assert not place.commit_bytes(b"2", "a/b", only_new=True)
    assert Place.at("memory://tests").read("places/a/b") == b"1"
    assert list(place.names()) == [("a/b", 1)]
    place.delete_all("a")
    assert list(place.names()) == []


class Files(http.server.SimpleHTTPRequestHandler):
    """A folder, as web servers give it: without ranges, and on request without an answer."""

    troubles: list[object] = []  # noqa: RUF012
    seen: list[tuple[str, str | None]] = []  # noqa: RUF012

    def do_GET(self):
        self.seen.append((self.path, self.headers.get("Range")))
        trouble = self.troubles.pop(0) if self.troubles else None
        if isinstance(trouble, int):
            self.send_error(trouble)
        elif trouble == "truncate":
            path = Path(self.translate_path(self.path))
            data = path.read_bytes()
            self.send_response(200)
            self.send_header("Last-Modified", self.date_time_string(path.stat().st_mtime))
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[: len(data) // 2])
            self.close_connection = True
        else:
            super().do_GET()

    def do_HEAD(self):
        if self.troubles and self.troubles[0] == "no HEAD":
            self.troubles.pop(0)
            self.send_error(405)
        else:
            super().do_HEAD()

    def log_message(self, *_):
        """Nothing."""


@pytest.fixture
def web(tmp_path):
    """A folder on a web server: its address, and the class that answers."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a b.jpg").write_bytes(b"x" * 3_000_000)
    handler = type("Handler", (Files,), {"troubles": [], "seen": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(handler, directory=tmp_path)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        handler.address = f"http://127.0.0.1:{server.server_port}"
        yield handler
        server.shutdown()
        thread.join()


def test_a_web_server_is_read(web, tmp_path):
    place = Place.at(f"{web.address}/photos", patience=QUICK)
    assert place.read("a%20b.jpg") == b"x" * 3_000_000
    assert place.size("a%20b.jpg") == 3_000_000
    assert place.exists("a%20b.jpg")
    assert not place.exists("c.jpg")
    assert [name for name, _ in Place.at(web.address).names()] == ["photos/a%20b.jpg"]
    with pytest.raises(NotStoredError, match="there is no such file"):
        place.fetch("c.jpg", tmp_path / "back")
    with pytest.raises(StorageError, match="outputs go to folders of this machine, s3://"):
        place.commit_bytes(b"", "d")
    web.troubles[:] = ["no HEAD"]
    assert place.size("a%20b.jpg") == 3_000_000


def test_a_web_server_that_is_busy_or_breaks_off_is_asked_again(web, tmp_path):
    place = Place.at(f"{web.address}/photos", patience=QUICK)
    web.troubles[:] = [503, 429, "truncate", 502]
    assert place.fetch("a%20b.jpg", tmp_path / "back") == 3_000_000
    assert (tmp_path / "back").read_bytes() == b"x" * 3_000_000
    # It was asked for the rest, and sent everything: what was there already is skipped.
    assert any(asked and int(asked[6:-1]) > 0 for _, asked in web.seen)
    web.troubles[:] = [503] * 9
    with pytest.raises(BusyError, match=r"busy or failing \(503\).*tried 4 times"):
        place.read("a%20b.jpg")
    web.troubles[:] = [403]
    with pytest.raises(StorageError, match="access is denied"):
        place.read("a%20b.jpg")


def test_waits_grow_are_random_and_bounded(monkeypatch):
    waits = []
    monkeypatch.setattr("time.sleep", waits.append)
    patience = Patience(attempts=8, shortest=1, longest=10, total=1e9)
    for _ in range(200):
        tries = Tries(patience)
        for _ in range(7):
            tries.failed(BusyError("busy"))
        with pytest.raises(BusyError, match="tried 8 times"):
            tries.failed(BusyError("busy"))
    columns = [waits[number::7] for number in range(7)]
    for number, column in enumerate(columns):
        longest = min(10, 2**number)
        assert max(column) <= longest
        # Full jitter: spread over all of the interval.
        assert min(column) < 0.2 * longest
        assert max(column) > 0.8 * longest


def test_what_will_not_change_is_not_tried_again():
    calls = []

    def refused():
        calls.append(1)
        raise NotStoredError("no")

    with pytest.raises(NotStoredError):
        QUICK.call(refused)
    assert len(calls) == 1
