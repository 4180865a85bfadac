# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What /proc, /sys and /run say about the host's links, addresses, settings and services: no process is started."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import typing as t
from ipaddress import IPv6Address

from ansible_collections.ipv6.services.plugins.module_utils._service_address import Held

# Flags of an address, from linux/if_addr.h.
_DAD_FAILED = 0x08
_DEPRECATED = 0x20
_TENTATIVE = 0x40
_GLOBAL = "00"


def parse_held(text: str) -> list[Held]:
    """The global addresses in the lines of /proc/net/if_inet6.

    Six columns: 32 hexadecimal digits, and in hexadecimal the link's index, prefix length, scope and flags, then the link's name.
    """
    held = []
    for line in text.splitlines():
        digits, _index, length, scope, flags, link = line.split()
        if scope != _GLOBAL:
            continue
        bits = int(flags, 16)
        held.append(
            Held(
                IPv6Address(int(digits, 16)),
                int(length, 16),
                link,
                tentative=bool(bits & _TENTATIVE),
                duplicate=bool(bits & _DAD_FAILED),
                deprecated=bool(bits & _DEPRECATED),
            )
        )
    return held


def read_held() -> list[Held]:
    """Every global address of the host; nothing when the kernel has no IPv6."""
    return parse_held(read("/proc/net/if_inet6") or "")


def has_link(link: str) -> bool:
    return bool(link) and "/" not in link and os.path.isdir(f"/sys/class/net/{link}")


def has_carrier(link: str) -> bool:
    """False also for a link that is down: reading `carrier` of one is an error."""
    return read(f"/sys/class/net/{link}/carrier") == "1"


def is_up(link: str) -> bool:
    flags = read(f"/sys/class/net/{link}/flags")
    return flags is not None and bool(int(flags, 16) & 1)


def has_ipv6(link: str) -> bool:
    return read_sysctl("net", "ipv6", "conf", link, "disable_ipv6") == "0"


def read_sysctl(*name: str) -> str | None:
    """name: its parts, since the name of a link may hold dots. None when the kernel hasn't got it."""
    return read("/proc/sys/" + "/".join(name))


def write_sysctl(value: str, *name: str) -> None:
    with open("/proc/sys/" + "/".join(name), "w", encoding="ascii") as file:
        file.write(value)


class Sysctls:
    """Settings that are others while the `with` block runs, and afterwards what they were."""

    def __init__(self, wanted: t.Mapping[tuple[str, ...], str]) -> None:
        self._wanted = wanted
        self._undo = contextlib.ExitStack()

    def __enter__(self) -> Sysctls:
        with contextlib.ExitStack() as undo:
            for name, value in self._wanted.items():
                before = read_sysctl(*name)
                if before is not None and before != value:
                    undo.callback(write_sysctl, before, *name)
                    write_sysctl(value, *name)
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._undo.close()


def quick_dad(link: str) -> Sysctls:
    """Duplicate address detection without its random wait, and neighbours that are told when it is over.

    The wait of up to 1 s (router_solicitation_delay) is for links that come up all at once after a power failure
    (RFC 4862, 5.4.2). With ndisc_notify the kernel announces each address once it is past DAD, so that no neighbour
    goes on sending to the host that had it before (DESIGN.md, fact 17).
    """
    conf = ("net", "ipv6", "conf", link)
    return Sysctls({(*conf, "router_solicitation_delay"): "0", (*conf, "ndisc_notify"): "1"})


def service_runs(name: str) -> bool:
    """Whether systemd runs a service; True where systemd doesn't run the host, since then nobody knows."""
    units = "/run/systemd/units"
    return not os.path.isdir(units) or os.path.lexists(f"{units}/invocation:{name}.service")


def send_datagram(address: IPv6Address) -> None:
    """One empty UDP datagram to the discard port: the kernel resolves the neighbour for it."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"", (str(address), 9))


def read(path: str) -> str | None:
    """The text of a file without the space around it; None when it can't be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return None


def read_users_file(path: str, most: int = 1 << 24) -> str | None:
    """The same of a file that is a user's; None also for what is no file of that size: a FIFO would never come to an end."""
    try:
        place = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    with open(place, encoding="utf-8", errors="replace") as file:
        found = os.fstat(place)
        return file.read().strip() if stat.S_ISREG(found.st_mode) and found.st_size <= most else None
