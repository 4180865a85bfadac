# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was measured, and docs/resilience.md made of it."""

from __future__ import annotations

import json
import typing as t
from dataclasses import asdict, dataclass
from pathlib import Path

from events import EVENTS, Event

PROMISED = 15  # seconds
CLIENT = "2001:db8::c"
# In the order of the columns; the key is what the services' names begin with.
WAYS = {
    "docker": "Docker",
    "podman": "Podman",
    "rootless": "Podman, rootless",
    "incus-nat": "Incus, nat",
    "incus-proxy": "Incus, proxy",
    "incus-own": "Incus, own",
    "routed": "routed prefix",
}
MANAGERS = {
    "networkd": "systemd-networkd",
    "networkmanager": "NetworkManager",
    "ifupdown": "ifupdown",
    "none": "no network manager",
}
HIDES = {"incus-proxy"}  # ways that hide the client by what they are
# Without its rules Docker's proxy relays, until role host or somebody else restarts Docker.
HIDE_AFTER = {("docker", "flush"), ("routed", "flush")}

INTRODUCTION = """\
# What brings the services down, and for how long?

Every way of running a service on hosts of every network manager, and what such a host goes through. Nobody runs Ansible
afterwards. A cell is the seconds until the last service of its column answered a client on the LAN, asked **by name**: after a
reboot from the moment at which ssh answered, otherwise from the end of the command. {promised} s are promised.

- **no** is a service that did not answer within {limit} s, or not as promised; what was seen is below the table.
- *hides* marks a service that answers, but sees another address than its client's. Incus' proxy does so by what it is; Docker's
  proxy does when Docker's rules are gone, until Docker is restarted, which the next run of role `host` does.
- *client after 5.0* is a service that answered before, but saw its client's own address only then.
- – means that there is nothing to do: without a network manager nothing can be restarted.

Made by `make resilience` on {what}.
A cell is of the last run that measured it.
"""


@dataclass
class Cell:
    """One way on one host after one event."""

    manager: str
    way: str
    event: str
    seconds: float | None = None  # until the last service answered
    seen: float | None = None  # until the last service saw the client's own address; None when it does not
    wrong: str = ""  # what is not as promised

    @property
    def key(self) -> tuple[str, str, str]:
        return self.manager, self.way, self.event

    @property
    def well(self) -> bool:
        if self.wrong or self.seconds is None or self.seconds > PROMISED:
            return False
        return self.seen is not None or self.way in HIDES or (self.way, self.event) in HIDE_AFTER

    def text(self) -> str:
        if self.wrong or self.seconds is None:
            return "**no**"
        shown = f"{self.seconds:.1f}" if self.seconds <= PROMISED else f"**{self.seconds:.1f}**"
        if self.seen is None:
            return f"{shown} *hides*"
        return shown if self.seen < self.seconds + 1 else f"{shown}, *client after {self.seen:.1f}*"


Cells = dict[tuple[str, str, str], Cell]


def load(path: Path) -> tuple[Cells, dict[str, t.Any]]:
    """What earlier runs measured, and about the last whole run."""
    if not path.exists():
        return {}, {}
    kept = json.loads(path.read_text())
    return {cell.key: cell for cell in (Cell(**one) for one in kept["cells"])}, kept["about"]


def save(path: Path, cells: Cells, about: dict[str, t.Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"about": about, "cells": [asdict(cell) for cell in cells.values()]}, indent=1))


def page(cells: Cells, about: dict[str, t.Any]) -> str:
    """The whole of docs/resilience.md."""
    parts = [INTRODUCTION.format(promised=PROMISED, **about)]
    parts += [section(manager, cells) for manager in MANAGERS if any(key[0] == manager for key in cells)]
    parts.append("## The events\n\n" + rows([("event", "what is done"), *((e.title, e.text) for e in EVENTS)]))
    return "\n".join(parts)


def section(manager: str, cells: Cells) -> str:
    ways = [way for way in WAYS if any(key[:2] == (manager, way) for key in cells)]
    events = [event for event in EVENTS if any(key[0] == manager and key[2] == event.name for key in cells)]
    table = [("", *(WAYS[way] for way in ways))]
    table += [(event.title, *(text(cells.get((manager, way, event.name))) for way in ways)) for event in events]
    wrong: dict[tuple[str, str], list[str]] = {}
    for event in events:
        for way in ways:
            if (seen := cells.get((manager, way, event.name))) and seen.wrong:
                wrong.setdefault((event.title, seen.wrong), []).append(WAYS[way])
    listed = [f"- {title}, {', '.join(names)}: {why}" for (title, why), names in wrong.items()]
    return f"## {MANAGERS[manager]}\n\n{rows(table)}" + ("\n" + "\n".join(listed) + "\n" if listed else "")


def text(cell: Cell | None) -> str:
    return cell.text() if cell else "–"


def rows(table: t.Sequence[t.Sequence[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in table]
    lines.insert(1, "| " + " | ".join("---" for column in table[0]) + " |")
    return "\n".join(lines) + "\n"


def line(host: str, event: Event, cells: t.Sequence[Cell]) -> str:
    """For the terminal, while it runs."""
    said = ", ".join(f"{cell.way} {f'NO: {cell.wrong}' if cell.wrong else cell.text()}" for cell in cells)
    return f"{host:<5} {cells[0].manager if cells else '':<15} {event.title}: {said}"
