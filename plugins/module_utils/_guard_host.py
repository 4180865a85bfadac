# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module `guard` reads of its host: no process but `nft` is started."""

from __future__ import annotations

import os
import typing as t
from ipaddress import IPv6Address

from ansible_collections.ipv6.services.plugins.module_utils import _address_marks, _kernel
from ansible_collections.ipv6.services.plugins.module_utils._guard_plan import Host


def read_host() -> Host:
    # The files of networkd name their link themselves, so that networkd need not be asked.
    marked = _address_marks.read_all({})
    return Host(
        held=_kernel.read_held(),
        ours={item.address for items in marked.values() for item in items},
        prefixes=[item.prefix for item in _address_marks.read_prefixes()],
        connection=find_connection(os.getpid()),
    )


def find_connection(pid: int, proc: str = "/proc") -> tuple[IPv6Address, int] | None:
    """Address and port of this host that the ssh connection came in by, under which the process runs.

    `sudo` hides it from the module's own environment, but not from that of its parents.
    """
    while pid > 1:
        found = parse_connection(_kernel.read(f"{proc}/{pid}/environ") or "")
        if found:
            return found
        stat = _kernel.read(f"{proc}/{pid}/stat") or ""
        # The name of the program, in parentheses, may hold anything.
        parent = stat.rpartition(")")[2].split()[1:2]
        pid = int(parent[0]) if parent else 0
    return None


def parse_connection(environ: str) -> tuple[IPv6Address, int] | None:
    """From SSH_CONNECTION, the client's address and port and then the server's; None where it came by IPv4 or not by ssh."""
    for variable in environ.split("\0"):
        name, _equals, value = variable.partition("=")
        parts = value.split()
        if name == "SSH_CONNECTION" and len(parts) == 4:
            return _end(parts[2:])
    return None


def _end(parts: t.Sequence[str]) -> tuple[IPv6Address, int] | None:
    try:
        return IPv6Address(parts[0].partition("%")[0]), int(parts[1])
    except ValueError:
        return None
