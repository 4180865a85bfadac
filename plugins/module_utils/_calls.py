# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls that mostly wait for others, made at the same time."""

from __future__ import annotations

import threading
import time
import typing as t

T = t.TypeVar("T")


class Calls(t.Generic[T]):
    """Started at once, each in a thread of its own."""

    def __init__(self, calls: t.Mapping[str, t.Callable[[], T]]) -> None:
        self._results: dict[str, T] = {}
        self._errors: dict[str, Exception] = {}
        self._threads = [threading.Thread(target=self._call, args=item, daemon=True) for item in calls.items()]
        for thread in self._threads:
            thread.start()

    def _call(self, name: str, function: t.Callable[[], T]) -> None:
        try:
            self._results[name] = function()
        except Exception as exc:  # noqa: BLE001 - it is raised again by results()
            self._errors[name] = exc

    def wait(self, seconds: float) -> bool:
        """Whether all have ended by then. Those that have not go on, and end with the process."""
        end = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0, end - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def results(self) -> dict[str, T]:
        """What each returned, when all have ended. Raises what one of them raised."""
        for thread in self._threads:
            thread.join()
        for exc in self._errors.values():
            raise exc
        return self._results
