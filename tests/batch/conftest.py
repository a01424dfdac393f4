"""What the tests of a batch share."""

from __future__ import annotations

import importlib
import importlib.util
import re
import subprocess
import sys
import uuid
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import pytest
import requests


@pytest.fixture(scope="session")
def stand_in():
    """The module `stand_in.py`, found by name in the processes that are started, too."""
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(str(Path(__file__).parent))
        yield importlib.import_module("stand_in")


@dataclass
class S3:
    """An S3 server on loopback.

    Args:
        endpoint: its address.
        faults: the proxy before it, if there is one: `s3.faults.fail("status", times=3)`.
    """

    endpoint: str
    faults: object = None
    direct: str = ""
    """The address of the server itself, for what a test looks at behind the proxy."""

    @property
    def options(self):
        """The storage options with which a place, a listing or a worker reaches it."""
        own = {"endpoint_url": self.endpoint, "key": "testing", "secret": "testing"}
        return {"s3": {**own, "client_kwargs": {"region_name": "us-east-1"}}}

    def bucket(self) -> str:
        """A new bucket, as `s3://NAME`."""
        name = f"test-{uuid.uuid4().hex[:12]}"
        self._ask("PUT", name).raise_for_status()
        return f"s3://{name}"

    def put(self, address: str, data: bytes) -> None:
        self._ask("PUT", address.partition("://")[2], data=data).raise_for_status()

    def get(self, address: str) -> bytes:
        """What is there, past the proxy."""
        answer = self._ask("GET", address.partition("://")[2])
        answer.raise_for_status()
        return answer.content

    def keys(self, address: str) -> list[str]:
        """All keys of a bucket (up to 1000), past the proxy."""
        answer = self._ask("GET", address.partition("://")[2].partition("/")[0], params={"list-type": "2"})
        return [unescape(key) for key in re.findall(r"<Key>(.*?)</Key>", answer.text)]

    def unfinished(self, address: str) -> int:
        """How many uploads in parts of a bucket were begun and neither completed nor aborted."""
        answer = self._ask("GET", address.partition("://")[2].partition("/")[0], params={"uploads": ""})
        return len(re.findall(r"<UploadId>", answer.text))

    def _ask(self, method: str, path: str, **about):
        # The server asks for a signature, and does not check it.
        who = "AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"
        about["headers"] = {"Authorization": who}
        return requests.request(method, f"{self.direct or self.endpoint}/{path}", timeout=30, **about)


@pytest.fixture(scope="session")
def s3_endpoint(require_module):
    """The address of a real S3 server in a process of its own."""
    require_module("moto", "'moto[s3,server]'")
    require_module("s3fs", "s3fs")
    command = [sys.executable, str(Path(__file__).parent / "s3_server.py")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, text=True, **pipes) as server:
        port = server.stdout.readline().strip()
        assert port, "the S3 server did not start"
        yield f"http://127.0.0.1:{port}"
        server.stdin.close()
        server.wait(20)


@pytest.fixture
def s3(s3_endpoint):
    """A real S3 server: `s3.bucket()` makes one, `s3.options` reach it, `s3.keys(…)` looks into it."""
    return S3(s3_endpoint)


@pytest.fixture(scope="session")
def s3_proxy(s3_endpoint):
    spec = importlib.util.spec_from_file_location("batch_faulty_proxy", Path(__file__).parent / "faulty_proxy.py")
    # Its dataclasses are looked up there.
    sys.modules[spec.name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with module.FaultyProxy(s3_endpoint) as proxy:
        yield proxy


@pytest.fixture
def faulty_s3(s3_endpoint, s3_proxy):
    """The same server behind a proxy that injects faults: `faulty_s3.faults.fail("truncate", times=2)`."""
    s3_proxy.reset()
    yield S3(s3_proxy.endpoint, faults=s3_proxy, direct=s3_endpoint)
    s3_proxy.reset()
