# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests about one instance: each a method, some at a time, with the patience that the engines want."""

from __future__ import annotations

import http.client
import re
import threading
import time
import typing as t

from ansible_collections.ipv6.services.plugins.module_utils._engine_reader import EngineError
from ansible_collections.ipv6.services.plugins.module_utils._incus_api import PRECONDITION_FAILED, Api, path_of
from ansible_collections.ipv6.services.plugins.module_utils._instance_found import Found, State
from ansible_collections.ipv6.services.plugins.module_utils._instance_state import Links, read_state

# Seconds that an instance gets to end by itself, before it is killed.
STOP_PATIENCE = 30
# Seconds that another operation may take: one of the instance, as a start that was given up and goes on, or the engine's first
# look at the list of an image server, for which Incus makes the same directory twice when it is asked by two at once.
BUSY_PATIENCE = 60
_BUSY = re.compile(r"nstance is busy running|mkdir \S+: file exists")
# Seconds that the engine may take to remove its files, of which it tells nothing meanwhile.
DELETE_PATIENCE = 600
# What a PUT has to have; anything that it leaves out is taken away.
_WRITTEN = ("architecture", "config", "devices", "profiles", "ephemeral", "description")
_ATTEMPTS = 5
_PAUSE = 0.5


class Requests:
    """What an instance is asked for, by the name that it has at the moment."""

    def __init__(self, apis: t.Mapping[str, Api], links: Links, threads: int) -> None:
        self._apis = apis
        self._links = links
        self._slots = threading.Semaphore(threads)

    def exists(self, found: Found, name: str) -> bool:
        return self._apis[found.engine].find(path_of("instances", name, project=found.project)) is not None

    def change(self, engine: str, method: str, path: str, body: t.Any = None, **options: t.Any) -> t.Any:
        """One change, when one of the slots is free, and nothing else that the engine does is in its way."""
        end = time.monotonic() + BUSY_PATIENCE
        while True:
            try:
                with self._slots:
                    return self._apis[engine].change(method, path, body, **options)
            except EngineError as exc:
                if not _BUSY.search(str(exc)) or time.monotonic() > end:
                    raise
            time.sleep(_PAUSE)

    def rewrite(self, found: Found, name: str, rewrite: t.Callable[[dict[str, t.Any]], None]) -> None:
        """Change an instance as it is now; again from what it is then, when somebody else changed it meanwhile."""
        path = path_of("instances", name, project=found.project)
        for attempt in range(_ATTEMPTS):
            body, tag = self._apis[found.engine].get_tagged(path)
            body = {k: body[k] for k in _WRITTEN if k in body}
            rewrite(body)
            try:
                self.change(found.engine, "PUT", path, body, etag=tag)
            except EngineError as exc:
                if exc.status != PRECONDITION_FAILED or attempt == _ATTEMPTS - 1:
                    raise
            else:
                return
            time.sleep(_PAUSE)

    def config(self, found: Found) -> t.Mapping[str, str]:
        """Its config as it is now."""
        answer = self._apis[found.engine].get(path_of("instances", found.name, project=found.project))
        return t.cast("t.Mapping[str, str]", answer.get("config") or {})

    def set_state(self, found: Found, name: str, action: str, force: bool = False) -> None:
        body = {"action": action, "timeout": STOP_PATIENCE, "force": force}
        path = path_of("instances", name, "state", project=found.project)
        self.change(found.engine, "PUT", path, body, timeout=STOP_PATIENCE + 60)

    def stop(self, found: Found, name: str) -> None:
        """Ask it to end, and end it when it does not."""
        try:
            self.set_state(found, name, "stop", force=found.status == "Frozen")
        except EngineError:
            if self.state(found, name).status in ("Stopped", "Error"):
                return
            self.set_state(found, name, "stop", force=True)

    def stop_if_running(self, found: Found) -> None:
        if self.state(found, found.name).running:
            self.stop(found, found.name)

    def delete(self, found: Found, name: str) -> None:
        """Remove it, with some patience for one whose start has just failed, which counts as running for a moment."""
        for attempt in range(_ATTEMPTS):
            if self.state(found, name).status not in ("Stopped", "Error"):
                self.stop(found, name)
            try:
                path = path_of("instances", name, project=found.project)
                self.change(found.engine, "DELETE", path, timeout=DELETE_PATIENCE)
            except EngineError as exc:
                if exc.status != http.client.BAD_REQUEST or attempt == _ATTEMPTS - 1:
                    raise
            else:
                return
            time.sleep(_PAUSE)

    def rename(self, found: Found, name: str, new: str) -> None:
        self.change(found.engine, "POST", path_of("instances", name, project=found.project), {"name": new})

    def state(self, found: Found, name: str) -> State:
        return read_state(self._apis[found.engine], self._links, found, name)

    def delete_if_there(self, found: Found) -> None:
        try:
            self.delete(found, found.name)
        except EngineError as exc:
            if exc.status != http.client.NOT_FOUND:  # gone since it was listed
                raise

    def write_file(self, found: Found, path: str, text: str | None) -> None:
        """A file in an instance, or none; where there is no directory for it, nobody would read it."""
        api = self._apis[found.engine]

        def url(path: str) -> str:
            return path_of("instances", found.name, "files", project=found.project, path=path)

        try:
            api.text(url(path if text is None else path.rpartition("/")[0]))
        except EngineError as exc:
            if exc.status in (http.client.NOT_FOUND, http.client.INTERNAL_SERVER_ERROR):
                return
            raise
        with self._slots:
            if text is None:
                api.change("DELETE", url(path))
            else:
                api.upload(url(path), text)

    def log(self, found: Found, *parts: str) -> str:
        try:
            return self._apis[found.engine].text(path_of("instances", found.name, *parts, project=found.project))
        except EngineError:
            return ""
