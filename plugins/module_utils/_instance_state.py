# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads which instances an engine has, and what is effective of one."""

from __future__ import annotations

import time
import typing as t
from dataclasses import replace

from ansible_collections.ipv6.services.plugins.module_utils._engine_reader import EngineError
from ansible_collections.ipv6.services.plugins.module_utils._incus_api import Api, path_of
from ansible_collections.ipv6.services.plugins.module_utils._instance_found import (
    Found,
    Held,
    State,
    parse_instances,
    parse_state,
)

# Process id -> the addresses in its network namespace, or None where that can't be read.
Links = t.Callable[[int], t.Optional[t.Mapping[str, tuple[Held, ...]]]]
_LIST = "/1.0/instances?recursion=1&all-projects=true"
_ATTEMPTS = 5
_PAUSE = 0.3
Key = tuple[str, str, str]  # engine, project, name


def read_instances(api: Api, engine: str) -> tuple[tuple[Found, ...], dict[Key, str]]:
    """All instances of an engine, and why nothing is known of the others.

    The list has an instance without its config while somebody changes or deletes it, and so without whose it is. Such a one
    is read by itself.
    """
    whole, unread = [], {}
    for item in api.get(_LIST):
        if item.get("config") is not None:
            whole.append(item)
            continue
        name, project = item["name"], item.get("project") or "default"
        try:
            again = _read_again(api, path_of("instances", name, project=project))
        except EngineError as exc:
            unread[engine, project, name] = (
                f"whose the instance {name} on {engine}, in the project {project}, is can't be known, since somebody changes"
                f" it now, or it is broken: {exc}. See that the engine shows its config, and run again."
            )
        else:
            whole += [again] if again else []
    return parse_instances(engine, whole), unread


def _read_again(api: Api, path: str) -> t.Any:
    """The instance, or None where it is gone."""
    for _attempt in range(_ATTEMPTS):
        found = api.find(path)
        if found is None or found.get("config") is not None:
            return found
        time.sleep(_PAUSE)
    raise EngineError(f"GET {path} has no config")


def read_state(api: Api, links: Links, found: Found, name: str | None = None) -> State:
    """The state of an instance, with what only its network namespace shows: whether addresses are tentative or duplicates.

    name: of the instance, where it was renamed since it was found.
    """
    state = parse_state(_read(api, path_of("instances", name or found.name, "state", project=found.project)))
    read = links(state.pid) if state.pid and found.type == "container" else None
    return replace(state, addresses=read) if read is not None else state


def _read(api: Api, path: str) -> t.Any:
    """The answer. Of an instance that stops just now, Incus answers with status 500 and "Invalid PID"."""
    for attempt in range(_ATTEMPTS):
        try:
            return api.get(path)
        except EngineError as exc:
            if exc.status != 500 or attempt == _ATTEMPTS - 1:
                raise
        time.sleep(_PAUSE)
    raise AssertionError
