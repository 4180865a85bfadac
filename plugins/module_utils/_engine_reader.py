# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads an engine's state over its socket, with the standard library alone.

Importing the docker SDK takes longer than everything else that a run without changes does.
"""

from __future__ import annotations

import errno
import http.client
import json
import socket
import struct
import threading
import time
import typing as t

# Bytes of the longest answer that is read; a thousand containers take some millions.
LARGEST = 1 << 26
# Characters of an engine's own message that are passed on.
_LONGEST_MESSAGE = 1000
# What comes of an answer of another form than an engine's: at a user's socket anything may listen.
ODD = (AttributeError, IndexError, KeyError, TypeError, ValueError, OverflowError)
T = t.TypeVar("T")
# What may come of receiving one.
_FAILURES = (OSError, http.client.HTTPException, ValueError, OverflowError, MemoryError)


class EngineError(Exception):
    """An engine did not answer, or refused: the call, its status and the answer."""

    def __init__(self, message: str, status: int = 0, number: int | None = None) -> None:
        super().__init__(message)
        self.status = status  # of HTTP; 0 where there was no answer
        self.number = number  # errno, where the socket could not be used

    @property
    def nobody_there(self) -> bool:
        """Whether nothing listens at the socket, as before the engine is installed or started."""
        return self.number in (errno.ENOENT, errno.ECONNREFUSED)


class _Socket(socket.socket):
    """Receives for so long, and so much: what listens at a user's socket may send without an end, or a byte at a time."""

    _end: float | None = None
    _left = LARGEST

    def allow(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._left = LARGEST

    def recv_into(self, *args: t.Any) -> int:
        if self._end is None:
            return super().recv_into(*args)
        self.settimeout(max(0.001, self._end - time.monotonic()))
        count = super().recv_into(*args)
        self._left -= count
        if self._left < 0:
            raise OSError(f"the answer is longer than {LARGEST} bytes")
        return count


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float, owner: int | None = None) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path
        self._seconds = timeout
        self._owner = owner

    def connect(self) -> None:
        self.sock: _Socket = _Socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self._seconds)
        self._reach(time.monotonic() + self._seconds)
        _pid, uid, _gid = struct.unpack("3i", self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        if self._owner not in (None, uid):
            raise OSError(f"who listens there is not the user {self._owner}, but {uid}")

    def _reach(self, end: float) -> None:
        """A queue that is full is no error before the end: a unix socket with a timeout does not wait for a place in it."""
        while True:
            try:
                return self.sock.connect(self._path)
            except BlockingIOError:
                if time.monotonic() > end:
                    raise
            time.sleep(0.02)

    def ask(self, path: str) -> tuple[int, bytes]:
        """Status and body of the answer to a GET, all of it within the timeout."""
        if self.sock is None:
            self.connect()
        self.sock.allow(self._seconds)
        self.request("GET", path)
        response = self.getresponse()
        return response.status, response.read()


class EngineReader:
    """GET over the unix socket of an engine. Each thread that uses one has a connection of its own, which is kept."""

    def __init__(self, socket_path: str, timeout: float = 60, owner: int | None = None) -> None:
        """timeout: seconds that an answer may take. owner: uid of who has to listen there; None for whoever does."""
        self.socket_path = socket_path
        self._timeout = timeout
        self._owner = owner
        self._local = threading.local()

    def get(self, path: str) -> t.Any:
        """The JSON answer to GET `path`, such as "/containers/json?all=1".

        Without a version in the path the engine answers as its newest API does.
        Raises EngineError; its status is 404 where there is no such thing.
        """
        status, body = self._exchange(path)
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            raise EngineError(
                f"GET {path} on {self.socket_path}: status {status}, and no JSON in the answer", status
            ) from None
        if status != 200:
            message = answer.get("message") or answer.get("cause") if isinstance(answer, dict) else None
            text = str(message or answer)[:_LONGEST_MESSAGE]
            raise EngineError(f"GET {path} on {self.socket_path}: status {status}, {text}", status)
        return answer

    def find(self, path: str) -> t.Any:
        """The same as get, or None where there is no such thing."""
        try:
            return self.get(path)
        except EngineError as exc:
            if exc.status == 404:
                return None
            raise

    def _exchange(self, path: str) -> tuple[int, bytes]:
        fresh = getattr(self._local, "connection", None) is None
        try:
            return self._send(path)
        except _FAILURES as exc:
            if fresh:
                raise self._unreachable(path, exc) from None
        try:
            # The engine closes a kept connection when it likes, and a GET can be repeated.
            return self._send(path)
        except _FAILURES as exc:
            raise self._unreachable(path, exc) from None

    def _send(self, path: str) -> tuple[int, bytes]:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = _UnixConnection(self.socket_path, self._timeout, self._owner)
        try:
            return t.cast("_UnixConnection", connection).ask(path)
        except _FAILURES:
            connection.close()
            self._local.connection = None
            raise

    def _unreachable(self, path: str, exc: Exception) -> EngineError:
        text = str(exc) or type(exc).__name__
        return EngineError(f"GET {path} on {self.socket_path}: {text}", number=getattr(exc, "errno", None))


def read_as(reader: EngineReader, path: str, parse: t.Callable[[t.Any], T]) -> T:
    """What `parse` makes of the answer to GET `path`. One of another form than an engine's is an EngineError, too."""
    answer = reader.get(path)
    try:
        return parse(answer)
    except ODD as exc:
        raise EngineError(f"GET {path}: that is no engine's answer ({type(exc).__name__})") from None
