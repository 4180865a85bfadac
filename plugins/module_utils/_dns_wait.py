# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Until every name server of a zone answers what was written."""

from __future__ import annotations

import socket
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ansible_collections.ipv6.services.plugins.module_utils._dns_answer import Message
from ansible_collections.ipv6.services.plugins.module_utils._dns_plan import Change, Rrset, SetChange
from ansible_collections.ipv6.services.plugins.module_utils._dns_server import DnsError, Question, Server

PAUSE = 0.2  # seconds between two looks, doubled up to MOST_PAUSE
MOST_PAUSE = 2.0
THREADS = 16
ONE_ANSWER = 5.0  # seconds that a name server may take for one


@dataclass(frozen=True)
class Watched:
    """What one name server was asked, and what came of it."""

    zone: str
    name: str
    address: str
    seconds: float
    error: str | None = None


def wait_for(primary: Server, zones: t.Mapping[str, t.Sequence[Change]], timeout: float) -> list[Watched]:
    """One a name server of each zone, in order. Those that are not the primary are asked until they know all changes.

    zones: what was changed, by zone. timeout: seconds for all together. Raises DnsError when the primary does not answer.
    """
    deadline = time.monotonic() + timeout
    targets = [
        (zone, name, address)
        for zone in zones
        for name in name_servers(primary, zone)
        for address in addresses(primary, name)
    ]
    with ThreadPoolExecutor(THREADS) as pool:
        jobs = [pool.submit(_watch, primary, target, zones[target[0]], deadline) for target in targets]
        return [job.result() for job in jobs]


def name_servers(primary: Server, zone: str) -> list[str]:
    answer = primary.ask([(zone, "NS")])[zone, "NS"]
    return sorted(value.removesuffix(".") for value in _values(answer, zone, "NS"))


def addresses(primary: Server, name: str) -> list[str]:
    """As the primary knows them, or else the system. Empty: no address, which is an error of its own."""
    questions = [(name, "AAAA"), (name, "A")]
    answers = primary.ask(questions)
    found = [value for question in questions for value in _values(answers[question], *question)]
    if not found:
        try:
            found = [str(entry[4][0]) for entry in socket.getaddrinfo(name, 53, type=socket.SOCK_STREAM)]
        except OSError:
            found = [""]
    return list(dict.fromkeys(found))


def _watch(primary: Server, target: tuple[str, str, str], changes: t.Sequence[Change], deadline: float) -> Watched:
    zone, name, address = target
    started = time.monotonic()
    left = [change_set for change in changes for change_set in change.sets if change_set.before != change_set.after]
    server = Server(address, 53, None, ONE_ANSWER)
    pause, error = PAUSE, None if address else "it has no address"
    primary_itself = primary.port == 53 and primary.socket is not None and primary.socket.getpeername()[0] == address
    try:
        while address and left and not primary_itself:
            error, left = _look(server, left)
            if not left or time.monotonic() + pause > deadline:
                break
            time.sleep(pause)
            pause = min(2 * pause, MOST_PAUSE)
    finally:
        server.close()
    return Watched(zone, name, address, round(time.monotonic() - started, 3), error)


def _look(server: Server, left: t.Sequence[SetChange]) -> tuple[str | None, list[SetChange]]:
    """What the server does not know yet, and a sentence on that. The first alone is asked for until that is known."""
    try:
        stale = [s for s in left[:1] if not _knows(server.ask([_question(s)]), s)]
        if not stale:
            answers = server.ask(_question(s) for s in left[1:])
            stale = [s for s in left[1:] if not _knows(answers, s)]
    except DnsError as exc:
        return str(exc), list(left)
    if not stale:
        return None, []
    return f"it does not know yet what {stale[0].name} {stale[0].type} is now", stale


def _question(change_set: SetChange) -> Question:
    return change_set.name, change_set.type


def _knows(answers: t.Mapping[Question, Message], change_set: SetChange) -> bool:
    message = answers[_question(change_set)]
    values = tuple(sorted(set(_values(message, change_set.name, change_set.type))))
    if change_set.after is None:
        # What goes may leave a wildcard's answer behind.
        return not values or (change_set.before is not None and values != change_set.before.values)
    return change_set.after.same_values(Rrset(0, values))


def _values(message: Message, name: str, kind: str) -> list[str]:
    return [record.value for record in message.answer if record.kind == kind and record.name == name]
