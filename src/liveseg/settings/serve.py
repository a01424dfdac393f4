"""Every option of `liveseg serve`."""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from liveseg.errors import UsageError
from liveseg.settings.model import RuntimeSettings
from liveseg.settings.option import check, option
from liveseg.settings.parse import parse_names, parse_pixels, parse_time

_ADDRESS = "Address"
_ACCESS = "Who may use it"
_MODELS = "Model"
_LIMITS = "Limits"
_VIDEOS = "Videos"
_STREAMS = "Live pictures and streams"
_LOG = "Log"

DEFAULT_MODEL = "lite"
TOKEN_VARIABLE = "LIVESEG_TOKEN"  # noqa: S105 - the variable's name, not a token
SHORTEST_TOKEN = 16
"""Characters; shorter ones can be guessed by trying."""

_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


class ServedModel(NamedTuple):
    """A model that clients may ask for: its name, and the file or folder of weights of one's own."""

    name: str
    weights: Path | None = None


class NamedStream(NamedTuple):
    """A live source that the service may read: its name, and its address, which may hold a password."""

    name: str
    address: str


def parse_bytes(text: str) -> int:
    """A number of bytes, like `32M` or `2G`, in powers of 1024."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmg]?)(?:i?b)?", text.strip().lower())
    if match is None:
        raise UsageError(f"{text!r} is no size; write bytes as 500000, or 64K, 32M, 2G")
    return int(float(match[1]) * _UNITS[match[2]])


def parse_served(text: str) -> ServedModel:
    """A model's name, or `NAME=PATH` for weights of one's own under a name."""
    name, given, path = text.strip().partition("=")
    if not _NAME.fullmatch(name) or (given and not path):
        raise UsageError(f"{text!r} is no model; write its name, or NAME=PATH for weights of your own")
    return ServedModel(name, Path(path) if given else None)


def parse_stream(text: str) -> NamedStream:
    """`NAME=ADDRESS` of a live source."""
    name, _, address = text.strip().partition("=")
    if not _NAME.fullmatch(name) or not address:
        # The text is not repeated: an address may hold a password.
        raise UsageError("--stream takes NAME=ADDRESS, like door=rtsp://camera.local/stream")
    return NamedStream(name, address)


def parse_host(text: str) -> str:
    """A host's name as browsers send it: without scheme, port and path; `*` allows every name."""
    word = text.strip().lower()
    if word != "*" and (not word or re.search(r"[\s/@,]", word) or re.fullmatch(r"[^:\]]*:\d*", word)):
        raise UsageError(f"{text!r} is no host; write a name without port, like segment.example.org, or *")
    return word.strip("[]")


def parse_origin(text: str) -> str:
    """An origin as browsers send it: scheme, host and, where it is not the scheme's own, port; `*` allows every one."""
    word = text.strip().lower().rstrip("/")
    if word != "*" and not re.fullmatch(r"https?://[^\s/@?#]+", word):
        raise UsageError(f"{text!r} is no origin; write it as https://app.example.org, without a path, or *")
    return word


def parse_proxy(text: str) -> str:
    """An IP address, or a network of them, as `10.0.0.0/8`."""
    try:
        return str(ipaddress.ip_network(text.strip()))
    except ValueError as error:
        raise UsageError(f"{text!r} is no address; write that of the proxy, like 127.0.0.1 or 10.0.0.0/8") from error


def parse_schemes(text: str) -> tuple[str, ...]:
    """`https`, `http` or both, with a comma between."""
    schemes = tuple(name.lower() for name in parse_names(text))
    if not set(schemes) <= {"http", "https"}:
        raise UsageError(f"--url-schemes is https, http or both, not {text!r}")
    return schemes


@dataclass(frozen=True, kw_only=True)
class ServeSettings(RuntimeSettings):
    """Every option of `liveseg serve`.

    Raises:
        UsageError: a value outside its range, or options that contradict each other.
    """

    models: tuple[ServedModel, ...] = option(
        (), "A model that clients may ask for, or NAME=PATH for weights of your own; the first one is the default.",
        shown=DEFAULT_MODEL, flags=("-m", "--model"), parse=parse_served, repeat=True, group=_MODELS,
        metavar="NAME[=PATH]",
    )  # fmt: skip
    models_in_memory: int = option(
        2, "Models held in memory; the one that was not used for longest goes.", least=1, most=64, group=_MODELS,
        metavar="N",
    )  # fmt: skip
    batching: Literal["auto", "on", "off"] = option(
        "auto", "Segment pictures of one shape together while they wait; auto: where that measures faster.",
        group=_MODELS,
    )  # fmt: skip

    host: str = option(
        "127.0.0.1", "Address to listen on; 0.0.0.0 or :: is for all who can reach this machine.", group=_ADDRESS,
        metavar="ADDRESS",
    )  # fmt: skip
    port: int = option(
        8000, "Port to listen on; 0 is a free one.", flags=("-p",), least=0, most=65535, group=_ADDRESS, metavar="PORT"
    )
    open: bool = option(False, "Open the page in the browser.", group=_ADDRESS)
    docs: bool = option(True, "Leave out /openapi.json.", group=_ADDRESS)

    token: str | None = option(
        None, f"Ask every client for this token; better in {TOKEN_VARIABLE} or a file, where others do not see it.",
        group=_ACCESS, metavar="TEXT",
    )  # fmt: skip
    token_file: Path | None = option(None, "File whose first line is the token.", group=_ACCESS, metavar="FILE")
    allow_host: tuple[str, ...] = option(
        (), "Another name that this service is called by.", shown="localhost and --host", parse=parse_host, repeat=True,
        group=_ACCESS, metavar="NAME",
    )  # fmt: skip
    allow_origin: tuple[str, ...] = option(
        (), "A web page elsewhere that may use it, as https://app.example.org.", shown="none", parse=parse_origin,
        repeat=True, group=_ACCESS, metavar="ORIGIN",
    )  # fmt: skip
    trust_proxy: tuple[str, ...] = option(
        (), "Address of a reverse proxy whose X-Forwarded-For names the client.", shown="none", parse=parse_proxy,
        repeat=True,
        group=_ACCESS, metavar="ADDRESS",
    )  # fmt: skip
    allow_url: bool = option(False, "Let clients name pictures by ?url=, which the service fetches.", group=_ACCESS)
    url_schemes: tuple[str, ...] = option(
        ("https", "http"), "Schemes that such addresses may have.", shown="https,http", parse=parse_schemes,
        group=_ACCESS, metavar="NAMES",
    )  # fmt: skip

    max_body: int = option(
        32 << 20, "Bytes of a request.", shown="32M", parse=parse_bytes, least=1024, group=_LIMITS, metavar="BYTES"
    )
    max_pixels: int = option(
        50_000_000, "Pixels of a picture.", shown="50M", parse=parse_pixels, least=1, group=_LIMITS, metavar="PIXELS"
    )
    max_input_pixels: int = option(
        16_000_000,
        "Pixels of a network's input; a thin picture grows on its way there.",
        shown="16M",
        parse=parse_pixels,
        least=1,
        group=_LIMITS,
        metavar="PIXELS",
    )
    queue: int = option(
        64, "Pictures that wait for the network; more are refused.", least=1, most=100_000, group=_LIMITS, metavar="N"
    )
    connections: int = option(256, "Connections at a time.", least=1, most=100_000, group=_LIMITS, metavar="N")
    connections_each: int = option(
        64, "Connections of one client at a time.", least=1, most=100_000, group=_LIMITS, metavar="N"
    )
    request_seconds: float = option(
        60.0, "Time to answer a request, and for a client to send or take what it is silent about.", parse=parse_time,
        least=0.1, group=_LIMITS, metavar="TIME",
    )  # fmt: skip
    header_seconds: float = option(
        10.0, "Time for a client to send the head of a request.", parse=parse_time, least=0.1, group=_LIMITS,
        metavar="TIME",
    )  # fmt: skip
    grace_seconds: float = option(
        10.0, "Time for what is running to finish when the service is stopped.", parse=parse_time, least=0,
        group=_LIMITS, metavar="TIME",
    )  # fmt: skip

    max_video_body: int = option(
        2 << 30, "Bytes of a video.", shown="2G", parse=parse_bytes, least=1024, group=_VIDEOS, metavar="BYTES"
    )
    max_video_seconds: float = option(
        3600.0, "Length of a video.", shown="1:00:00", parse=parse_time, least=0.1, group=_VIDEOS, metavar="TIME"
    )
    max_video_pixels: int = option(
        8_912_896, "Pixels of a frame.", shown="4096x2176", parse=parse_pixels, least=1, group=_VIDEOS,
        metavar="PIXELS",
    )  # fmt: skip
    jobs_each: int = option(
        4, "Videos of one client that wait or are worked on.", least=1, most=10_000, group=_VIDEOS, metavar="N"
    )
    jobs_running: int = option(
        1, "Videos worked on at a time.", shown="1", least=1, most=64, group=_VIDEOS, metavar="N"
    )
    jobs_kept_seconds: float = option(
        3600.0, "Time that a result is kept.", shown="1:00:00", parse=parse_time, least=1, group=_VIDEOS, metavar="TIME"
    )
    data_folder: Path | None = option(
        None, "Folder for videos and results, until they expire.", shown="a temporary one", group=_VIDEOS,
        metavar="FOLDER",
    )  # fmt: skip

    stream: tuple[NamedStream, ...] = option(
        (), "A live source that clients may start by its name.", shown="none", parse=parse_stream, repeat=True,
        group=_STREAMS, metavar="NAME=ADDRESS",
    )  # fmt: skip
    allow_any_stream: bool = option(
        False, "Let clients start live sources by address: the service then connects where they say.", group=_STREAMS
    )
    streams_running: int = option(4, "Live sources read at a time.", least=1, most=256, group=_STREAMS, metavar="N")
    live_each: int = option(
        4, "Live pictures (WebSockets) of one client at a time.", least=1, most=1000, group=_STREAMS, metavar="N"
    )
    live: int = option(32, "Live pictures (WebSockets) at a time.", least=1, most=10_000, group=_STREAMS, metavar="N")
    live_idle_seconds: float = option(
        300.0, "Time that a WebSocket of live pictures may send nothing.", shown="5:00", parse=parse_time, least=1,
        group=_STREAMS, metavar="TIME",
    )  # fmt: skip

    log_level: Literal["debug", "info", "warning", "error"] = option("info", "What the log tells.", group=_LOG)
    log_format: Literal["auto", "text", "json"] = option(
        "auto", "Lines for people or for programs; auto: text on a terminal, else JSON.", group=_LOG
    )
    verbose: bool = option(False, "Show tracebacks.", flags=("-v",), group=_LOG)

    def __post_init__(self) -> None:
        check(self)
        names = [served.name for served in self.served]
        if len(set(names)) < len(names):
            raise UsageError("--model names the same model twice; give each a name of its own, as NAME=PATH")
        if len({stream.name for stream in self.stream}) < len(self.stream):
            raise UsageError("--stream gives one name to two addresses; give each a name of its own")
        if self.token is not None and self.token_file is not None:
            raise UsageError("--token and --token-file contradict each other; choose one")
        if self.token is not None:
            _check_token(self.token, "--token")

    @property
    def served(self) -> tuple[ServedModel, ...]:
        """The models that clients may ask for; the first is the default."""
        return self.models or (ServedModel(DEFAULT_MODEL),)

    def secret(self) -> str | None:
        """The token that clients must bring: of the option, the file or the environment; `None`: none is asked for.

        Raises:
            UsageError: a file that cannot be read, or a token that is too short or cannot stand in a header.
        """
        if self.token is not None:
            return self.token
        if self.token_file is not None:
            try:
                lines = self.token_file.read_text(encoding="utf-8").splitlines()
            except (OSError, UnicodeDecodeError) as error:
                raise UsageError(f"cannot read --token-file {self.token_file}: {error}") from error
            return _check_token(lines[0].strip() if lines else "", f"--token-file {self.token_file}")
        given = os.environ.get(TOKEN_VARIABLE)
        return _check_token(given, TOKEN_VARIABLE) if given else None


def _check_token(token: str, place: str) -> str:
    """The token, where it is one; the message never repeats it."""
    if not re.fullmatch(rf"[!-~]{{{SHORTEST_TOKEN},}}", token):
        raise UsageError(
            f"the token of {place} is not {SHORTEST_TOKEN} or more letters, digits and signs without spaces;"
            ' make one with python -c "import secrets; print(secrets.token_urlsafe())"'
        )
    return token
