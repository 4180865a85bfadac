# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which programs are there, which units are enabled and run, and which sockets listen: nothing is started, nobody is asked."""

from __future__ import annotations

import glob
import os
import shutil

from ansible_collections.ipv6.services.plugins.module_utils import _kernel

# The third flag says that somebody accepts connections (__SO_ACCEPTCON of the kernel).
_LISTENS = "00010000"


def installed(*programs: str) -> bool:
    """Whether one of them is there, each a name or a path."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin"])
    return any(shutil.which(program, path=path) for program in programs)


def enabled(unit: str, *directories: str) -> bool:
    """directories: of units that somebody has enabled, /etc/systemd/system by default."""
    return any(glob.glob(f"{glob.escape(d)}/*.wants/{unit}") for d in directories or ("/etc/systemd/system",))


def running(*services: str) -> bool:
    """Whether one of the services runs: systemd keeps a link here for as long."""
    return any(os.path.islink(f"/run/systemd/units/invocation:{service}") for service in services)


def listens(path: str) -> bool:
    """Whether anybody, or systemd in their place, listens at the socket, and this user may connect."""
    return os.access(path, os.W_OK) and is_listening(_kernel.read("/proc/net/unix") or "", path)


def is_listening(table: str, path: str) -> bool:
    """table: /proc/net/unix, whose columns are address, references, protocol, flags, type, state, inode and path."""
    rows = (line.split(None, 7) for line in table.splitlines())
    place = os.path.realpath(path)
    return any(
        len(row) == 8
        and row[3] == _LISTENS
        and os.path.basename(row[7]) == os.path.basename(place)
        # /var/run is a link to /run, and a program may have bound to either.
        and os.path.realpath(row[7]) == place
        for row in rows
    )
