import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveseg.server.problems import Problem
from liveseg.server.segment.web_address import WebAddress

BOTH = ("https", "http")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://example.org", ("https", "example.org", 443, "/")),
        ("http://Example.ORG/a/b.jpg?x=1&y=2#part", ("http", "example.org", 80, "/a/b.jpg?x=1&y=2")),
        ("https://example.org:443/", ("https", "example.org", 443, "/")),
        ("https://example.org:80/", ("https", "example.org", 80, "/")),
        ("https://example.org./", ("https", "example.org", 443, "/")),
        ("https://bücher.example/ü.jpg", ("https", "xn--bcher-kva.example", 443, "/%C3%BC.jpg")),
        ("https://example.org/a%20b", ("https", "example.org", 443, "/a%20b")),
        ("http://[2606:4700:4700:0::1111]/", ("http", "2606:4700:4700::1111", 80, "/")),
        ("http://93.184.215.14/", ("http", "93.184.215.14", 80, "/")),
        # Other ways to write 127.0.0.1 are the resolver's to read, and its answer is checked.
        ("http://2130706433/", ("http", "2130706433", 80, "/")),
        ("http://0x7f.1/", ("http", "0x7f.1", 80, "/")),
    ],
)
def test_an_address_is_taken_apart(url, expected):
    found = WebAddress.parse(url, BOTH)
    assert (found.scheme, found.host, found.port, found.target) == expected


def test_the_host_is_named_as_the_standard_has_it():
    assert WebAddress.parse("http://[2606:4700::1]:443/", BOTH).host_header == "[2606:4700::1]:443"
    assert WebAddress.parse("https://example.org:443/", BOTH).host_header == "example.org"
    assert WebAddress.parse("https://example.org:80/a?b", BOTH).url == "https://example.org:80/a?b"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://example.org/", "does not begin with https:// or http://"),
        ("file:///etc/passwd", "does not begin"),
        ("gopher://example.org/", "does not begin"),
        ("//example.org/", "does not begin"),
        ("example.org/cat.jpg", "does not begin"),
        ("", "does not begin"),
        ("https://user:secret@example.org/", "user name"),
        ("https://@example.org/", "user name"),
        ("https://example.org@127.0.0.1/", "user name"),
        ("https://example.org:8080/", "port is not 80 or 443"),
        ("https://example.org:22/", "port"),
        ("https://example.org:0/", "port"),
        ("https://example.org:99999/", "no web address"),
        ("https://example.org:x/", "no web address"),
        ("https:///cat.jpg", "names no host"),
        ("https://[::1%25eth0]/", "names no host"),
        ("https://[::1/", "no web address"),
        ("https://exa mple.org/", "spaces"),
        ("https://example.org\\@127.0.0.1/", "backslashes"),
        ("https://example.org/\r\nHost: other", "control characters"),
        ("https://example.org\t/", "control characters"),
        ("https://-/", "names no host"),
        ("https://a..b/", "names no host"),
        ("https://" + "a" * 70 + ".org/", "names no host"),
        ("https://exa%6dple.org/", "names no host"),
        ("https://example.org/" + "a" * 2048, "longer than 2048"),
    ],
)
def test_what_is_no_plain_address_is_refused_without_repeating_it(url, words):
    with pytest.raises(Problem, match=words) as caught:
        WebAddress.parse(url, BOTH)
    assert (caught.value.status, caught.value.extra) == (422, {"parameter": "url"})
    assert "secret" not in caught.value.detail


def test_only_the_schemes_that_are_allowed_are_taken():
    with pytest.raises(Problem, match=r"does not begin with https://$"):
        WebAddress.parse("http://example.org/", ("https",))


@given(st.text(max_size=60).map(lambda text: f"http://{text}"))
def test_whatever_is_taken_is_plain_ascii(url):
    try:
        found = WebAddress.parse(url, BOTH)
    except Problem:
        return
    assert found.url.isascii()
    assert not set(found.url) & set(" \r\n\t\\@") - {"@"}
    assert "@" not in found.host_header
