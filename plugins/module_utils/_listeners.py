# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which programs of the host listen on the wildcard address, and so would answer on every service address."""

from __future__ import annotations

import os
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.ipv6.services.plugins.module_utils import _kernel
from ansible_collections.ipv6.services.plugins.module_utils._guard_elements import Elements

_ANY = "0" * 32
# The state of a socket that waits: TCP_LISTEN, and of UDP a socket that is connected to nobody.
_WAITS = {"tcp": "0A", "udp": "07"}
_SOCKET = re.compile(r"socket:\[(\d+)\]")


@dataclass(frozen=True, order=True)
class Listener:
    """A socket on [::]."""

    protocol: str
    port: int
    inode: int = 0


def parse_listeners(protocol: str, text: str) -> list[Listener]:
    """Those on the wildcard address in the text of /proc/net/tcp6 or udp6."""
    found = []
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 10:
            continue
        address, _colon, port = fields[1].partition(":")
        remote, _colon, remote_port = fields[2].partition(":")
        if address == remote == _ANY and remote_port == "0000" and fields[3] == _WAITS[protocol]:
            found.append(Listener(protocol, int(port, 16), int(fields[9])))
    return sorted(found)


def read_listeners() -> list[Listener]:
    return [
        item for protocol in _WAITS for item in parse_listeners(protocol, _kernel.read(f"/proc/net/{protocol}6") or "")
    ]


def read_programs(inodes: t.Collection[int], proc: str = "/proc") -> dict[int, str]:
    """Inode of a socket -> name of a program that has it; those that can't be seen are left out.

    PID 1 has the sockets that it made for others, and comes last.
    """
    missing = set(inodes)
    programs: dict[int, str] = {}
    pids = sorted((name for name in os.listdir(proc) if name.isdigit()), key=lambda pid: (pid == "1", int(pid)))
    for pid in pids:
        if not missing:
            break
        held = _sockets(f"{proc}/{pid}/fd") & missing
        if held:
            name = _kernel.read(f"{proc}/{pid}/comm") or pid
            programs.update(dict.fromkeys(held, name))
            missing -= held
    return programs


def _sockets(directory: str) -> set[int]:
    """The inodes of the sockets that a process has open; nothing of one that is gone or not ours to see."""
    found = set()
    try:
        for name in os.listdir(directory):
            match = _SOCKET.match(os.readlink(f"{directory}/{name}"))
            if match:
                found.add(int(match.group(1)))
    except OSError:
        pass
    return found


def report(
    listeners: t.Iterable[Listener], programs: t.Mapping[int, str], elements: Elements
) -> list[dict[str, t.Any]]:
    """What the guard keeps from answering on the guarded addresses, and where its port is published.

    Several sockets of one port, as those of SO_REUSEPORT, are one.
    """
    found: dict[tuple[str, int], dict[str, t.Any]] = {}
    for item in listeners:
        ports = [p for p in (*elements.published, *elements.restricted) if p.protocol == item.protocol]
        found[item.protocol, item.port] = {
            "protocol": item.protocol,
            "port": item.port,
            "program": programs.get(item.inode),
            "published_on": [str(a) for a in sorted(p.address for p in ports if p.first <= item.port <= p.last)],
        }
    return [found[key] for key in sorted(found)] if elements.addresses else []
