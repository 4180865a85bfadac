# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with a fleet, and how it is told."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.ipv6.services.plugins.module_utils._addresses import RequestError
from ansible_collections.ipv6.services.plugins.module_utils._container_values import from_request_error

MOST_TOLD = 100
LONGEST_VALUE = 80
LONGEST_SENTENCE = 600


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong. It never has a value of `env` or `secret_env`, nor one of an option that is unknown."""

    host: str | None  # None: it is about no host
    service: str | None  # its name, or ipv6_services[N] where it has none that can be shown
    field: str  # the option of the service, or the variable of the host
    value: object  # as it was found, shortened; None where there is none, or where it could be a secret
    problem: str  # a sentence
    mend: str  # a sentence
    place: int = 0  # of the service in the host's list, from 1; 0 where it is about the host

    def sentence(self) -> str:
        place = ", ".join(part for part in (self.host, self.service, self.field) if part)
        return shorten(printable(f"{place}: {self.problem} {self.mend}"), LONGEST_SENTENCE)


def from_error(
    error: RequestError, host: str | None, service: str | None, field: str, value: object = None, place: int = 0
) -> Problem:
    """The same as a problem: the error's last sentence is the mend."""
    split = from_request_error(error)
    return Problem(host, service, field, value, split.problem, split.mend, place)


def report(problems: t.Sequence[Problem]) -> dict[str, t.Any]:
    """`msg`, one line a problem; `problems`, the same as dictionaries; and `problem_count`, since both are bounded."""
    told = problems[:MOST_TOLD]
    lines = [problem.sentence() for problem in told]
    if len(problems) > len(told):
        lines.append(f"And {len(problems) - len(told)} more.")
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    return {
        "msg": "\n".join([f"The plan has {count}; nothing was changed.", *lines]),
        "problems": [_as_dictionary(problem) for problem in told],
        "problem_count": len(problems),
    }


def _as_dictionary(problem: Problem) -> dict[str, t.Any]:
    return {
        "host": problem.host,
        "service": problem.service,
        "field": problem.field,
        "value": _told(problem.value),
        "problem": shorten(problem.problem, LONGEST_SENTENCE),
        "mend": problem.mend,
    }


def printable(text: str) -> str:
    """The text on one line, and harmless to a terminal, whatever an inventory has in it."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def shorten(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 3]}..."


def _told(value: object) -> object:
    """A value that goes into the result: a number, or text that is not too long."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return shorten(value if isinstance(value, str) else repr(value), LONGEST_VALUE)
