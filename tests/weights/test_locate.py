import dataclasses
import socket
import subprocess
import sys

import pytest

from liveseg.errors import UsageError, WeightsUnavailableError
from liveseg.weights.catalogue import CATALOGUE
from liveseg.weights.locate import bundled, locate

REMEDIES = ("`liveseg pull made-up`", "`--weights FILE`", "`--model lite`, which works now")


@pytest.fixture
def published(monkeypatch, entry):
    """The test's own file, as an entry of the catalogue."""
    monkeypatch.setitem(CATALOGUE, entry.name, entry)
    return entry


def assert_helpful(error, reason):
    message = str(error.value)
    assert reason in message
    assert all(remedy in message for remedy in REMEDIES)
    assert "\n" not in message


def test_a_cached_file_is_found_without_the_network(cache, published, content, server, monkeypatch):
    cache.mkdir(parents=True)
    (cache / "made-up.pth").write_bytes(content)
    monkeypatch.setenv("LIVESEG_OFFLINE", "1")
    assert locate("made-up", allow_download=False) == cache / "made-up.pth"
    assert server.requests == []


def test_a_missing_file_is_downloaded_and_tells_its_progress(cache, published, content, patience):
    seen = []
    path = locate("made-up", progress=lambda done, total: seen.append((done, total)), patience=patience)
    assert path.read_bytes() == content
    assert seen[0] == (0, len(content))
    assert seen[-1] == (len(content), len(content))


def test_a_corrupt_file_is_downloaded_again(cache, published, content, patience):
    cache.mkdir(parents=True)
    (cache / "made-up.pth").write_bytes(b"not it")
    assert locate("made-up", patience=patience).read_bytes() == content


def test_without_leave_to_download_the_sentence_says_what_to_do(cache, published, server):
    with pytest.raises(WeightsUnavailableError) as error:
        locate("made-up", allow_download=False)
    assert_helpful(error, "'made-up' are not here (not downloaded yet)")
    assert server.requests == []


def test_a_corrupt_file_without_leave_to_download_is_called_corrupt(cache, published):
    cache.mkdir(parents=True)
    (cache / "made-up.pth").write_bytes(b"not it")
    with pytest.raises(WeightsUnavailableError) as error:
        locate("made-up", allow_download=False)
    assert_helpful(error, "made-up.pth is corrupt")


def test_without_a_network_the_sentence_keeps_the_short_reason(cache, published, monkeypatch, patience):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    nowhere = dataclasses.replace(published, url=f"http://127.0.0.1:{port}/made-up.pth")
    monkeypatch.setitem(CATALOGUE, "made-up", nowhere)
    with pytest.raises(WeightsUnavailableError) as error:
        locate("made-up", patience=patience)
    assert_helpful(error, "no network: ")
    assert "HTTPConnectionPool" not in str(error.value)
    assert len(str(error.value)) < 330


def test_offline_is_the_reason_where_it_is(cache, published, monkeypatch):
    monkeypatch.setenv("LIVESEG_OFFLINE", "yes")
    with pytest.raises(WeightsUnavailableError) as error:
        locate("made-up")
    assert_helpful(error, "LIVESEG_OFFLINE forbids the network")


def test_a_name_outside_the_catalogue_is_wrong_usage(cache):
    with pytest.raises(UsageError, match="lraspp"):
        locate("lrasp")


@pytest.mark.parametrize("kind", ["onnx", "safetensors"])
def test_the_bundled_model_lies_in_the_package(kind):
    path = bundled("lite", kind)
    assert (path.name, path.parent.name) == (f"lite.{kind}", "bundled")
    assert path.stat().st_size > 1_000_000


def test_an_installation_without_the_bundled_file_says_so():
    with pytest.raises(WeightsUnavailableError, match=r"lacks .*heavy\.onnx; install it again"):
        bundled("heavy", "onnx")


def test_looking_up_bundled_and_cached_files_does_not_import_the_http_client():
    code = "import sys, liveseg.weights.locate, liveseg.weights.integrity; sys.exit('requests' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
