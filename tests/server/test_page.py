"""The files of the page are served as they are, and no others."""

from __future__ import annotations

import pytest

from liveseg.server.page import FOLDER, PageFile, files


def test_every_file_of_the_page_is_there(client):
    found = files()
    assert "/" in found
    for path in found:
        answer = client.get(path)
        assert answer.status_code == 200
        assert answer.headers["etag"].startswith('"')
    html = client.get("/")
    assert html.headers["content-type"] == "text/html; charset=utf-8"
    assert html.content == (FOLDER / "index.html").read_bytes()


def test_modules_come_with_a_type_that_browsers_run(client):
    scripts = [path for path in files() if path.endswith(".js")]
    assert scripts
    for path in scripts:
        assert client.get(path).headers["content-type"] == "text/javascript; charset=utf-8"


def test_who_has_a_file_is_not_sent_it_again(client):
    etag = client.get("/").headers["etag"]
    for given in (etag, f'"other", {etag}', f"W/{etag}", "*"):
        answer = client.get("/", headers={"If-None-Match": given})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == etag
    assert client.get("/", headers={"If-None-Match": '"other"'}).status_code == 200


def test_all_of_them_are_one_route_to_the_metrics(client):
    """Places for routes are bounded there; files must not take those of the API."""
    for path in files():
        client.get(path)
    told = client.get("/metrics").text
    assert 'liveseg_requests_total{method="GET",route="/{file}",status="200"}' in told
    assert ".js" not in told


@pytest.mark.parametrize(
    "path",
    [
        "/../page.py",
        "/%2e%2e/page.py",
        "/js/../../page.py",
        "/js",
        "/js/",
        "/index.html/",
        "/.",
        "/js/%00",
        "//etc/passwd",
    ],
)
def test_nothing_else_is(service, path):
    import socket

    with socket.create_connection(("127.0.0.1", service.port), 10) as raw:
        raw.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        assert raw.recv(100).split(b" ")[1] in (b"404", b"400")


def test_a_folder_is_read_by_its_types(tmp_path):
    (tmp_path / "js").mkdir()
    for name in ("index.html", "js/a.js", "notes.txt", "js/a.ts", ".hidden"):
        (tmp_path / name).write_text("x", encoding="utf-8")
    assert set(files(tmp_path)) == {"/", "/js/a.js"}


def test_a_file_that_changed_is_read_again(tmp_path):
    path = tmp_path / "a.css"
    path.write_text("one", encoding="utf-8")
    file = PageFile(path)
    before = file._read()
    assert file._read() is before
    path.write_text("three", encoding="utf-8")
    assert file._read().data == b"three"
    assert file._read().etag != before.etag
