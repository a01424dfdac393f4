"""A client of HTTP/1.1 that costs next to nothing, so that what is measured is the service: a connection, kept open."""

from __future__ import annotations

import asyncio
import ipaddress


class NotLocalError(SystemExit):
    """An address that is not this machine's own."""


def refuse_others(host: str) -> None:
    """Refuse every host but this machine's loopback address: load is made against nobody else.

    Raises:
        NotLocalError: the program ends.
    """
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False
    if not local:
        raise NotLocalError(f"load is made against 127.0.0.1 only, not {host!r}")


def request(path: str, body: bytes, media_type: str, *, host: str, accept: str = "*/*") -> bytes:
    """The bytes of a POST request."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {media_type}\r\nAccept: {accept}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def multipart(field: str, body: bytes, fields: dict[str, str]) -> tuple[bytes, str]:
    """A form with one file, as bytes, and its media type."""
    boundary = "liveseg-load-7f3c"
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; filename="image.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    )
    parts += [head.encode(), body, f"\r\n--{boundary}--\r\n".encode()]
    return b"".join(parts), f"multipart/form-data; boundary={boundary}"


class Connection:
    """A connection that is opened when it is needed and used again and again.

    Args:
        host: 127.0.0.1, or another loopback address.
        port: of the service.
    """

    def __init__(self, host: str, port: int) -> None:
        refuse_others(host)
        self._address = host, port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, message: bytes) -> tuple[int, bytes]:
        """Send a request; the status and the body of its answer.

        Raises:
            OSError, EOFError: the connection broke; the next request opens another one.
        """
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(*self._address, limit=1 << 20)
        try:
            self._writer.write(message)
            await self._writer.drain()
            return await self._answer(self._reader)
        except BaseException:
            self.close()
            raise

    async def _answer(self, reader: asyncio.StreamReader) -> tuple[int, bytes]:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(head[0].split(" ", 2)[1])
        told = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        if "content-length" in told:
            body = await reader.readexactly(int(told["content-length"]))
        elif told.get("transfer-encoding") == "chunked":
            body = b"".join([part async for part in _chunks(reader)])
        else:
            body = await reader.read()
            self.close()
        if told.get("connection") == "close":
            self.close()
        return status, body

    def close(self) -> None:
        """Close it, if it is open."""
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None


async def _chunks(reader: asyncio.StreamReader):
    while size := int((await reader.readline()).split(b";")[0], 16):
        yield await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readline()
