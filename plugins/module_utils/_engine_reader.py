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
import threading
import typing as t


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


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class EngineReader:
    """GET over the unix socket of an engine. Each thread that uses one has a connection of its own, which is kept."""

    def __init__(self, socket_path: str, timeout: float = 60) -> None:
        self.socket_path = socket_path
        self._timeout = timeout
        self._local = threading.local()

    def get(self, path: str) -> t.Any:
        """The JSON answer to GET `path`, such as "/containers/json?all=1".

        Without a version in the path the engine answers as its newest API does.
        Raises EngineError; its status is 404 where there is no such thing.
        """
        status, body = self._exchange(path)
        try:
            answer = json.loads(body)
        except ValueError:
            raise EngineError(
                f"GET {path} on {self.socket_path}: status {status}, and no JSON in the answer", status
            ) from None
        if status != 200:
            message = answer.get("message") or answer.get("cause") if isinstance(answer, dict) else None
            raise EngineError(f"GET {path} on {self.socket_path}: status {status}, {message or answer}", status)
        return answer

    def find(self, path: str) -> t.Any:
        """The same, or None where there is no such thing."""
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
        except (OSError, http.client.HTTPException) as exc:
            if fresh:
                raise self._unreachable(path, exc) from None
        try:
            # The engine closes a kept connection when it likes, and a GET can be repeated.
            return self._send(path)
        except (OSError, http.client.HTTPException) as exc:
            raise self._unreachable(path, exc) from None

    def _send(self, path: str) -> tuple[int, bytes]:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = _UnixConnection(self.socket_path, self._timeout)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            self._local.connection = None
            raise

    def _unreachable(self, path: str, exc: Exception) -> EngineError:
        text = str(exc) or type(exc).__name__
        return EngineError(f"GET {path} on {self.socket_path}: {text}", number=getattr(exc, "errno", None))
