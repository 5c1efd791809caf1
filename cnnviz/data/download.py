"""One file from the network: resumed where it broke off, and believed only by its checksum.

What has come so far lies in `NAME.part`, beside `NAME.part.json`, which says from which address and
of which version it is. The file gets its own name when it is whole and its MD5 is right.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import IO, Final
from urllib.parse import urlsplit

from cnnviz.data.progress import Progress, no_progress
from cnnviz.data.sizes import format_bytes
from cnnviz.errors import DataError

try:
    import fcntl
except ImportError:  # Windows: two downloads at once spoil each other, which the checksum tells
    fcntl = None  # type: ignore[assignment]

TIMEOUT_S: Final = 30.0  # without a single byte
ATTEMPTS: Final = 4  # for each address, as long as each brings something
_CHUNK_BYTES: Final = 2**18
_WORTH_ANOTHER_TRY: Final = (
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
    HTTPStatus.TOO_MANY_REQUESTS,
)


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file that lies in the network, known to the last byte."""

    name: str
    urls: tuple[str, ...]
    """Addresses of the same file, tried one after the other."""
    bytes: int
    md5: str


class _BrokenOffError(Exception):
    """An attempt that failed for a reason that lies in the network; the message says which."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class _RefusedError(_BrokenOffError):
    """One that would fail the same way again."""


def download(
    remote: RemoteFile,
    folder: Path,
    progress: Progress = no_progress,
    *,
    timeout_s: float = TIMEOUT_S,
    pause_s: float = 1.0,
) -> Path:
    """The file in `folder`, whole and checked; nothing is fetched if it is there already.

    pause_s: before the second attempt; doubled each time.
    Raises DataError that says what went wrong. What has come by then stays in `NAME.part`, and the
    next call goes on from there.
    """
    target = folder / remote.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _only_one(folder):
            if not _is_right(target, remote):
                _fetch(remote, _Part(folder, remote), progress, timeout_s, pause_s)
    except OSError as error:
        raise DataError(
            f"{remote.name} cannot be written to {folder} ({error.strerror or error}). Make room "
            "or name another cache folder with XDG_CACHE_HOME, and run it again."
        ) from None
    progress(f"{remote.name} is here", 1.0)
    return target


class _Part:
    """What has come so far of one file."""

    def __init__(self, folder: Path, remote: RemoteFile) -> None:
        self.file = folder / f"{remote.name}.part"
        self.note = folder / f"{remote.name}.part.json"
        self.target = folder / remote.name

    @property
    def size(self) -> int:
        return self.file.stat().st_size if self.file.exists() else 0

    def version(self, url: str) -> str | None:
        """The server's word for the version that has come so far, if it is of this address."""
        try:
            note = json.loads(self.note.read_bytes())
            version = note["version"] if note["url"] == url else None
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return version if isinstance(version, str) and version else None

    def begin(self, url: str, version: str | None) -> None:
        """Starts again with nothing."""
        self.file.unlink(missing_ok=True)
        self.note.write_text(json.dumps({"url": url, "version": version}), encoding="utf-8")

    def settle(self) -> None:
        """Gives the file its own name."""
        os.replace(self.file, self.target)
        self.note.unlink(missing_ok=True)

    def remove(self) -> None:
        self.file.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)


def _fetch(
    remote: RemoteFile, part: _Part, progress: Progress, timeout_s: float, pause_s: float
) -> None:
    if _is_right(part.file, remote):  # the process was ended just before it said so
        part.settle()
        return
    reasons: list[str] = []
    for url in remote.urls:
        pause, idle = pause_s, 0  # idle: attempts in a row that brought nothing
        for _ in range(ATTEMPTS):
            before = part.size
            resumed = before > 0 and part.version(url) is not None
            try:
                _receive(remote, url, part, progress, timeout_s)
            except _BrokenOffError as error:
                reasons.append(str(error))
                idle = 0 if part.size > before else idle + 1
                if isinstance(error, _RefusedError) or idle == 2:
                    break
                time.sleep(pause)
                pause *= 2
                continue
            if _md5(part.file) == remote.md5:
                part.settle()
                return
            part.remove()
            host = urlsplit(url).netloc
            reasons.append(f"{host} sent something else than {remote.name}: its MD5 is wrong")
            if not resumed:
                break
    raise DataError(_why_not(remote, part, reasons))


def _receive(
    remote: RemoteFile, url: str, part: _Part, progress: Progress, timeout_s: float
) -> None:
    """Fetches what is missing, or all of it if the server cannot go on from the middle."""
    host = urlsplit(url).netloc
    done, version = part.size, part.version(url)
    headers = {"User-Agent": "cnnviz", "Accept-Encoding": "identity"}
    if 0 < done < remote.bytes and version is not None:
        # If the file is another by now, If-Range makes the server send all of it.
        headers |= {"Range": f"bytes={done}-", "If-Range": version}
    request = urllib.request.Request(url, headers=headers)
    try:
        with _network_errors(host, timeout_s):
            response = urllib.request.urlopen(request, timeout=timeout_s)
    except _BrokenOffError as error:
        if error.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            part.remove()
        raise
    with response:
        begins_at = response.headers.get("Content-Range", "").removeprefix("bytes ")
        if response.status == 206 and begins_at.startswith(f"{done}-") and "Range" in headers:
            mode = "ab"
        elif response.status == 200:
            length = response.headers.get("Content-Length")
            if length is not None and length != str(remote.bytes):
                raise _RefusedError(
                    f"{host} sent something else than {remote.name}, {length} bytes instead of "
                    f"{remote.bytes}; perhaps a page that asks to log in to the network"
                )
            done, mode = 0, "wb"
            # A weak ETag does not promise the same bytes, so it cannot be gone on from.
            etag = response.headers.get("ETag", "")
            strong = etag if etag.startswith('"') else None
            part.begin(url, strong or response.headers.get("Last-Modified"))
        else:
            part.remove()
            raise _BrokenOffError(f"{host} answered {response.status} with another part")
        with open(part.file, mode) as stream:
            _copy(response, stream, done, remote, host, progress, timeout_s)


def _copy(
    response: http.client.HTTPResponse,
    stream: IO[bytes],
    done: int,
    remote: RemoteFile,
    host: str,
    progress: Progress,
    timeout_s: float,
) -> None:
    while True:
        with _network_errors(host, timeout_s):
            # read1: what has come, without waiting for more, so that nothing of it can be lost.
            chunk = response.read1(_CHUNK_BYTES)
        if not chunk:
            break
        stream.write(chunk)
        done += len(chunk)
        if done > remote.bytes:
            break
        progress(
            f"Fetching {remote.name}, {format_bytes(done)} of {format_bytes(remote.bytes)}",
            done / remote.bytes,
        )
    if done < remote.bytes:
        raise _BrokenOffError(
            f"{host} broke off after {format_bytes(done)} of {format_bytes(remote.bytes)}"
        )


@contextmanager
def _network_errors(host: str, timeout_s: float) -> Iterator[None]:
    """Turns what the network can raise into one sentence."""
    try:
        yield
    except urllib.error.HTTPError as error:
        error.close()
        again = error.code in _WORTH_ANOTHER_TRY or error.code >= 500
        kind = _BrokenOffError if again else _RefusedError
        raise kind(f"{host} answered {error.code} {error.reason}", error.code) from None
    except urllib.error.URLError as error:
        raise _unreachable(host, error.reason, timeout_s) from None
    except (OSError, http.client.HTTPException) as error:
        raise _unreachable(host, error, timeout_s) from None


def _unreachable(host: str, reason: str | BaseException, timeout_s: float) -> _BrokenOffError:
    if isinstance(reason, TimeoutError):
        return _BrokenOffError(f"{host} sent nothing for {timeout_s:g} s")
    if isinstance(reason, socket.gaierror):
        return _RefusedError(f"{host} is not found; this machine seems to have no network")
    if isinstance(reason, ssl.SSLCertVerificationError):
        return _RefusedError(f"the certificate of {host} is not trusted ({reason.verify_message})")
    words = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
    return _BrokenOffError(f"{host} cannot be reached ({words})")


def _why_not(remote: RemoteFile, part: _Part, reasons: list[str]) -> str:
    sentences = [f"{remote.name} could not be fetched: {'; '.join(dict.fromkeys(reasons))}."]
    if part.size:
        sentences.append(
            f"{format_bytes(part.size)} of {format_bytes(remote.bytes)} are kept: run it again to "
            "go on from there."
        )
    else:
        sentences.append("Run it again when there is a network.")
    sentences.append("Or copy the data set from another machine and set CNNVIZ_DATA to its folder.")
    return " ".join(sentences)


def _is_right(file: Path, remote: RemoteFile) -> bool:
    return file.is_file() and _md5(file) == remote.md5


def _md5(file: Path) -> str:
    with open(file, "rb") as stream:
        return hashlib.file_digest(stream, "md5").hexdigest()


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Refuses a second download into the same folder; the lock ends with its process."""
    if fcntl is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise DataError(
            f"Another process is fetching into {folder} right now. Wait until it is done."
        ) from None
    finally:
        os.close(handle)
