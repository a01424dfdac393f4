"""The options of `liveseg serve`."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from liveseg.cli.app import app
from liveseg.errors import UsageError
from liveseg.settings import ServeSettings
from liveseg.settings.serve import (
    parse_bytes,
    parse_host,
    parse_origin,
    parse_pixels,
    parse_proxy,
    parse_schemes,
    parse_served,
    parse_stream,
)

TOKEN = "0123456789abcdef"  # noqa: S105


@pytest.fixture(autouse=True)
def _no_token_around(monkeypatch):
    monkeypatch.delenv("LIVESEG_TOKEN", raising=False)


@pytest.mark.parametrize(
    ("text", "value"), [("500", 500), ("64K", 65536), ("32M", 32 << 20), ("2 GiB", 2 << 30), ("1.5k", 1536)]
)
def test_bytes(text, value):
    assert parse_bytes(text) == value


@pytest.mark.parametrize(("text", "value"), [("50M", 50_000_000), ("5e7", 50_000_000), ("1920x1080", 2_073_600)])
def test_pixels(text, value):
    assert parse_pixels(text) == value


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (parse_bytes, "many"),
        (parse_bytes, "-1"),
        (parse_pixels, "inf"),
        (parse_pixels, "a lot"),
        (parse_served, "=path"),
        (parse_served, "name="),
        (parse_served, "../secret"),
        (parse_stream, "rtsp://camera.local/stream"),
        (parse_host, "http://a.example"),
        (parse_host, "a.example:8000"),
        (parse_host, ""),
        (parse_origin, "app.example"),
        (parse_origin, "https://app.example/path"),
        (parse_schemes, "https,file"),
        (parse_proxy, "*"),
        (parse_proxy, "proxy.example"),
    ],
)
def test_nonsense_is_refused(parse, text):
    with pytest.raises(UsageError):
        parse(text)


def test_an_address_with_a_password_is_not_repeated():
    with pytest.raises(UsageError) as raised:
        parse_stream("rtsp://camera.local/stream?password")
    assert "password" not in str(raised.value)


def test_the_first_model_is_the_default():
    assert [served.name for served in ServeSettings().served] == ["lite"]
    settings = ServeSettings(models=(parse_served("lraspp"), parse_served("leaves=runs/leaves")))
    assert [served.name for served in settings.served] == ["lraspp", "leaves"]
    assert str(settings.served[1].weights) == "runs/leaves"


def test_names_stand_for_one_thing():
    with pytest.raises(UsageError, match="--model"):
        ServeSettings(models=(parse_served("lite"), parse_served("lite=own.onnx")))
    with pytest.raises(UsageError, match="--stream"):
        ServeSettings(stream=(parse_stream("a=0"), parse_stream("a=1")))


def test_a_token_comes_from_the_option_a_file_or_the_environment(tmp_path, monkeypatch):
    assert ServeSettings().secret() is None
    assert ServeSettings(token=TOKEN).secret() == TOKEN
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}x\nmore\n", encoding="utf-8")
    assert ServeSettings(token_file=file).secret() == f"{TOKEN}x"
    monkeypatch.setenv("LIVESEG_TOKEN", f"{TOKEN}y")
    assert ServeSettings().secret() == f"{TOKEN}y"
    assert ServeSettings(token=TOKEN).secret() == TOKEN


@pytest.mark.parametrize("token", ["short", "with spaces in it all over", "ümläuts-are-no-token"])
def test_a_poor_token_is_refused_without_being_repeated(token, tmp_path, monkeypatch):
    with pytest.raises(UsageError) as raised:
        ServeSettings(token=token)
    assert token not in str(raised.value)
    (tmp_path / "token").write_text(token, encoding="utf-8")
    with pytest.raises(UsageError, match="--token-file"):
        ServeSettings(token_file=tmp_path / "token").secret()
    monkeypatch.setenv("LIVESEG_TOKEN", token)
    with pytest.raises(UsageError, match="LIVESEG_TOKEN"):
        ServeSettings().secret()


def test_a_missing_token_file_is_told(tmp_path):
    with pytest.raises(UsageError, match="cannot read --token-file"):
        ServeSettings(token_file=tmp_path / "none").secret()


def test_two_tokens_contradict_each_other(tmp_path):
    with pytest.raises(UsageError, match="choose one"):
        ServeSettings(token=TOKEN, token_file=tmp_path / "token")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--port", "70000"),
        ("--max-body", "lots"),
        ("--queue", "0"),
        ("--stream", "nonsense"),
        ("--batching", "perhaps"),
        ("--request-seconds", "0"),
    ],
)
def test_wrong_options_end_with_exit_code_2(arguments):
    done = CliRunner().invoke(app, ["serve", *arguments])
    code = done.exit_code if not isinstance(done.exception, UsageError) else done.exception.exit_code
    assert code == 2


def test_the_command_line_gives_what_the_class_has(monkeypatch):
    seen = []
    monkeypatch.setattr("liveseg.server.run.serve", lambda settings, tell_user: seen.append(settings) or True)
    more = ["-m", "lite", "--model", "leaves=runs/leaves", "--max-body", "1M", "--allow-host", "A.example"]
    for arguments in ([], more):
        done = CliRunner().invoke(app, ["serve", *arguments])
        assert done.exit_code == 0, done.output
    assert seen[0] == ServeSettings()
    assert [served.name for served in seen[1].served] == ["lite", "leaves"]
    assert (seen[1].max_body, seen[1].allow_host) == (1 << 20, ("a.example",))
