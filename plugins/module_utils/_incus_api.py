# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The REST API of Incus and LXD over their unix socket, with the standard library alone.

Both answer alike: {"type": "sync", "metadata": ...}, {"type": "error", "error": ...}, or {"type": "async", "operation": ...}
for what takes its time and is then waited for.
"""

from __future__ import annotations

import http.client
import json
import time
import typing as t
from urllib.parse import quote, urlencode

from ansible_collections.ipv6.services.plugins.module_utils._engine_reader import EngineError, _UnixConnection

# Seconds that the engine holds one request for the end of an operation.
_POLL = 10
# Seconds of one answer; the engine takes its time over a request when many operations run.
_TIMEOUT = 60
PRECONDITION_FAILED = 412
_SUCCESS = 200


class Api(t.Protocol):
    """What the module needs of an engine."""

    def get(self, path: str) -> t.Any:
        """What is there."""

    def get_tagged(self, path: str) -> tuple[t.Any, str]:
        """The same with its ETag."""

    def find(self, path: str) -> t.Any:
        """What is there, or None."""

    def text(self, path: str) -> str:
        """What the engine answers as a file, such as a log."""

    def upload(self, path: str, text: str) -> None:
        """Write a file."""

    def change(
        self, method: str, path: str, body: t.Any = None, etag: str | None = None, timeout: float = _TIMEOUT
    ) -> t.Any:
        """Change what is there, and wait until it is done."""


def path_of(*parts: str, project: str | None = None, **query: str) -> str:
    """/1.0/PART/PART?project=...; every part is quoted."""
    options = {**({"project": project} if project else {}), **query}
    return "/1.0/" + "/".join(quote(part, safe="") for part in parts) + (f"?{urlencode(options)}" if options else "")


class IncusApi:
    """Requests over the socket, each on a connection of its own, so that threads need not know of each other."""

    def __init__(self, socket_path: str) -> None:
        self.socket_path = socket_path

    def get(self, path: str) -> t.Any:
        """The metadata of the answer. Raises EngineError; its status is 404 where there is no such thing."""
        return self.get_tagged(path)[0]

    def get_tagged(self, path: str) -> tuple[t.Any, str]:
        """The metadata, and the ETag that a later change has to name."""
        answer, tag = self._request("GET", path)
        return answer.get("metadata"), tag

    def find(self, path: str) -> t.Any:
        """The metadata, or None where there is no such thing."""
        try:
            return self.get(path)
        except EngineError as exc:
            if exc.status == http.client.NOT_FOUND:
                return None
            raise

    def text(self, path: str) -> str:
        """What the engine answers as a file, such as a log."""
        status, body, _tag = self._send("GET", path)
        if status != _SUCCESS:
            raise EngineError(f"GET {path} on {self.socket_path}: status {status}", status)
        return body.decode(errors="replace")

    def upload(self, path: str, text: str) -> None:
        """Write a file in an instance, that everybody may read. path: of the API, /1.0/instances/NAME/files?path=..."""
        options = {"type": "file", "mode": "0644", "uid": "0", "gid": "0", "write": "overwrite"}
        headers = {f"X-{engine}-{key}": value for engine in ("Incus", "LXD") for key, value in options.items()}
        status, answer, _tag = self._send(
            "POST", path, headers={"Content-Type": "application/octet-stream", **headers}, data=text
        )
        if status != _SUCCESS:
            said = self._parse(f"POST {path}", status, answer).get("error")
            raise EngineError(f"POST {path} on {self.socket_path}: status {status}, {said}", status)

    def change(
        self, method: str, path: str, body: t.Any = None, etag: str | None = None, timeout: float = _TIMEOUT
    ) -> t.Any:
        """Carry a change out, and wait until it is done.

        etag: of what is changed; the engine refuses with status 412 when that is no longer what it has.
        timeout: seconds in which the operation has to show a sign of life, such as more of a download.
        Raises EngineError. No body is in its text.
        """
        answer, _tag = self._request(method, path, body, etag)
        if answer.get("type") == "async":
            return self._wait(f"{method} {path}", answer["operation"], timeout)
        return answer.get("metadata")

    def _wait(self, what: str, operation: str, timeout: float) -> t.Any:
        """The result of an operation. Raises EngineError when it fails, or shows no sign of life."""
        last, end = None, time.monotonic() + timeout
        while True:
            _status, text, _tag = self._send("GET", f"{operation}/wait?timeout={_POLL}")
            answer = self._parse(what, http.client.OK, text)
            found = answer.get("metadata") or {}
            # A failed one is answered as an error by newer engines, and as an operation that failed by older ones.
            code = found.get("status_code", answer.get("error_code"))
            error = found.get("err") or answer.get("error")
            if code == _SUCCESS:
                return found.get("metadata")
            if error or code is None or code > _SUCCESS:
                raise EngineError(f"{what} on {self.socket_path}: {error or found.get('status')}", code or 0)
            sign = (code, found.get("metadata"))
            if sign != last:
                last, end = sign, time.monotonic() + timeout
            if time.monotonic() > end:
                raise EngineError(f"{what} on {self.socket_path}: no sign of life for {timeout:g} s")

    def _request(
        self, method: str, path: str, body: t.Any = None, etag: str | None = None
    ) -> tuple[t.Mapping[str, t.Any], str]:
        headers = {"Content-Type": "application/json", **({"If-Match": etag} if etag else {})}
        status, text, tag = self._send(method, path, headers, None if body is None else json.dumps(body))
        answer = self._parse(f"{method} {path}", status, text)
        if answer.get("type") == "error" or status >= http.client.BAD_REQUEST:
            raise EngineError(f"{method} {path} on {self.socket_path}: status {status}, {answer.get('error')}", status)
        return answer, tag

    def _parse(self, what: str, status: int, text: bytes) -> dict[str, t.Any]:
        try:
            answer = json.loads(text)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise EngineError(f"{what} on {self.socket_path}: status {status}, and no JSON in the answer", status)
        return answer

    def _send(
        self, method: str, path: str, headers: t.Mapping[str, str] | None = None, data: str | None = None
    ) -> tuple[int, bytes, str]:
        connection = _UnixConnection(self.socket_path, _TIMEOUT)
        try:
            connection.request(method, path, None if data is None else data.encode(), dict(headers or {}))
            response = connection.getresponse()
            return response.status, response.read(), response.headers.get("ETag") or ""
        except (OSError, http.client.HTTPException) as exc:
            text = str(exc) or type(exc).__name__
            number = getattr(exc, "errno", None)
            raise EngineError(f"{method} {path} on {self.socket_path}: {text}", number=number) from None
        finally:
            connection.close()
