"""What the libraries of the stores raise, as one line that says what is wrong and what to do."""

from __future__ import annotations

import errno
import re
from typing import TYPE_CHECKING, Any

from liveseg.batch.places.address import EXTRAS, HTTP, scheme_of
from liveseg.batch.places.errors import (
    AccessError,
    BusyError,
    DamagedError,
    NoBucketError,
    NotStoredError,
    ReplacedError,
    StorageError,
)
from liveseg.errors import LivesegError

if TYPE_CHECKING:
    from collections.abc import Iterator

_BUSY = frozenset((408, 425, 429, 500, 502, 503, 504))
_BUSY_CODES = frozenset((
    "SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "ThrottlingException", "Throttling",
    "TooManyRequests", "ConditionalRequestConflict", "OperationAborted", "ServerBusy", "BadDigest",
    "XAmzContentSHA256Mismatch",
))  # fmt: skip
_BUSY_ERRNO = frozenset((errno.EBUSY, getattr(errno, "EREMOTEIO", errno.EIO)))
_BROKEN = frozenset((
    "HTTPClientError", "ClientPayloadError", "ClientConnectionError", "ServerDisconnectedError", "IncompleteRead",
    "ResponseParserError", "FlexibleChecksumError", "ChecksumError", "ServiceRequestError", "ServiceResponseError",
    "ProtocolError", "ChunkedEncodingError", "Timeout", "TimeoutError", "ReadTimeoutError", "ConnectionError",
    "ContentDecodingError", "FSTimeoutError", "IncompleteReadError", "HTTPException",
))  # fmt: skip
"""Classes of these libraries, by name, since none of them need be installed."""
_DAMAGED = frozenset(("ChecksumError", "FlexibleChecksumError"))
_UNREACHABLE = frozenset((
    "EndpointConnectionError", "ClientConnectorError", "ConnectionRefusedError", "NewConnectionError",
))  # fmt: skip
_NO_CREDENTIALS = frozenset((
    "NoCredentialsError", "PartialCredentialsError", "DefaultCredentialsError", "ClientAuthenticationError",
    "CredentialUnavailableError", "ProfileNotFound", "CredentialRetrievalError",
))  # fmt: skip
_EXPIRED = frozenset(("ExpiredToken", "InvalidToken", "TokenRefreshRequired", "RequestTimeTooSkewed"))
_UNKNOWN_KEY = frozenset(("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidSecurity"))

_HOW = {
    "s3": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE, or the storage options key and secret"
    " (anon=true for a public bucket)",
    "gcs": "run `gcloud auth application-default login`, set GOOGLE_APPLICATION_CREDENTIALS, or the storage option"
    " token (token=anon for a public bucket)",
    "azure": "set AZURE_STORAGE_CONNECTION_STRING, or the storage options account_name and account_key or sas_token",
}
_WORTH = re.compile(r"(?i)((?:signature|token|secret|password|credential|access.?key(?:id)?)\W{1,3})\S+")


def translated(error: BaseException, doing: str, where: str) -> StorageError:
    """A failure of a store, as what it means for who asked.

    Args:
        error: what the store's library raised.
        doing: `read`, `write`, `list` or `remove`.
        where: the address, without credentials.
    """
    if isinstance(error, StorageError):
        if str(error).startswith("cannot "):
            return error
        return type(error)(f"cannot {doing} {where}: {error}")
    if isinstance(error, LivesegError):
        return StorageError(f"cannot {doing} {where}: {error}")
    scheme = scheme_of(where) or ""
    kind, reason = _reason(error, scheme, where)
    if kind is NotStoredError and doing in {"write", "list"} and scheme in EXTRAS and not code_of(error):
        # Google's says no more than 404, and nothing else can be missing there.
        kind, reason = NoBucketError, _no_bucket(where)
    return kind(f"cannot {doing} {where}: {reason}")


def _reason(error: BaseException, scheme: str, where: str) -> tuple[type[StorageError], str]:
    code, status = code_of(error), status_of(error)
    names = {each.__name__ for one in _chain(error) for each in type(one).__mro__}
    how = _HOW.get(EXTRAS.get(scheme, ""), "give them as storage options")
    rules: tuple[tuple[bool, type[StorageError], str], ...] = (
        (
            bool(names & _NO_CREDENTIALS) or "Must provide either a connection_string" in str(error),
            AccessError, f"no usable credentials were found; {how}",
        ), (
            code in _EXPIRED,
            AccessError, f"the credentials have expired, or this machine's clock is wrong ({code}); renew them",
        ), (
            code in _UNKNOWN_KEY or status in {401, 407},
            AccessError, f"the credentials are missing or not accepted ({code or status}); {how}",
        ), (
            code in {"NoSuchBucket", "ContainerNotFound"},
            NoBucketError, _no_bucket(where),
        ), (
            code == "PreconditionFailed" or status == 412,
            ReplacedError, "it was replaced by another while it was read",
        ), (
            isinstance(error, PermissionError) or status == 403 or str(error).startswith("Forbidden"),
            AccessError, "access is denied; check that the credentials may do this, and the name of the bucket",
        ), (
            isinstance(error, FileNotFoundError) or status in {404, 410},
            NotStoredError, "there is no such file",
        ), (
            isinstance(error, IsADirectoryError),
            StorageError, "that is a folder, not a file",
        ), (
            status in _BUSY or code in _BUSY_CODES or getattr(error, "errno", None) in _BUSY_ERRNO,
            BusyError, f"the store is busy or failing ({code or status or _words(error)}); try again later",
        ), (
            bool(names & _DAMAGED),
            DamagedError, "the bytes that came are not those that the store has",
        ), (
            bool(names & _UNREACHABLE),
            BusyError, "the store cannot be reached; check the endpoint and the network",
        ), (
            bool(names & _BROKEN),
            BusyError, f"the connection broke off or was too slow ({type(error).__name__}); check the network",
        ), (
            scheme in HTTP and status is not None,
            StorageError, f"the server refuses it (status {status})",
        ),
    )  # fmt: skip
    return next(((kind, reason) for holds, kind, reason in rules if holds), (StorageError, _words(error)))


def _no_bucket(where: str) -> str:
    bucket = where.partition("://")[2].partition("/")[0]
    return f"there is no bucket {bucket}; create it, or check its name and the endpoint"


def code_of(error: BaseException) -> str:
    """What a store calls its refusal, such as `NoSuchBucket`; "" where it does not say."""
    for one in _chain(error):
        response = getattr(one, "response", None)
        if isinstance(response, dict):
            return str(response.get("Error", {}).get("Code") or "")
        code = getattr(one, "error_code", None)
        if code:
            return str(getattr(code, "value", code))
    return ""


def status_of(error: BaseException) -> int | None:
    """The status of HTTP in a failure; `None` where there is none."""
    for one in _chain(error):
        for status in _statuses(one):
            text = str(status)
            if text.isdecimal() and 100 <= int(text) < 600:
                return int(text)
    return None


def _statuses(error: BaseException) -> Iterator[Any]:
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        yield response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    else:
        yield getattr(response, "status_code", None)
    for name in ("status_code", "status", "code"):
        yield getattr(error, name, None)


def exists_already(error: BaseException) -> bool:
    """Whether a store refused to write because there is a file of that name."""
    return isinstance(error, FileExistsError) or code_of(error) == "PreconditionFailed" or status_of(error) == 412


def _chain(error: BaseException) -> Iterator[BaseException]:
    one: BaseException | None = error
    for _ in range(8):
        if one is None:
            return
        yield one
        one = one.__cause__ or one.__context__


def _words(error: BaseException) -> str:
    """What a library says, on one line, without what may be a secret."""
    return _WORTH.sub(r"\1***", " ".join(str(error).split()))[:300] or type(error).__name__
