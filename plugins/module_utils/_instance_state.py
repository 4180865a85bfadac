# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads what is effective of one instance."""

from __future__ import annotations

import time
import typing as t
from dataclasses import replace

from ansible_collections.ipv6.services.plugins.module_utils._engine_reader import EngineError
from ansible_collections.ipv6.services.plugins.module_utils._incus_api import Api, path_of
from ansible_collections.ipv6.services.plugins.module_utils._instance_found import Found, Held, State, parse_state

# Process id -> the addresses in its network namespace, or None where that can't be read.
Links = t.Callable[[int], t.Optional[t.Mapping[str, tuple[Held, ...]]]]
_ATTEMPTS = 5


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
        time.sleep(0.3)
    raise AssertionError
