# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who can run containers without root, and whether these come back after a reboot."""

from __future__ import annotations

import contextlib
import glob
import os
import pwd
import re
import stat
import typing as t

from ansible_collections.ipv6.services.plugins.module_utils import _host_units, _kernel

Json = t.Mapping[str, t.Any]
_GLOBAL = "/etc/systemd/user"


def socket_path(uid: int) -> str:
    """Where Podman listens for the user."""
    return f"/run/user/{uid}/podman/podman.sock"


def is_own(path: str, uid: int) -> bool:
    """Whether a socket is there that is the user's: a link could lead to that of another's engine, root's even."""
    try:
        found = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISSOCK(found.st_mode) and found.st_uid == uid


def has_range(text: str, name: str, uid: int) -> bool:
    """Whether /etc/subuid or /etc/subgid gives the user a range: lines of user or uid, first id and count."""
    rows = (line.strip().split(":") for line in text.splitlines())
    return any(len(row) == 3 and row[0] in (name, str(uid)) and row[2] not in ("", "0") for row in rows)


def asks_elsewhere(nsswitch: str) -> bool:
    """Whether ranges come from where they can't be read, as from a directory server."""
    found = re.search(r"^subid:[ \t]*(\S.*)", nsswitch, re.MULTILINE)
    return found is not None and found[1].split() != ["files"]


def read_users(names: t.Iterable[str]) -> dict[str, Json]:
    """names: of users to look at besides those for whom Podman listens."""
    uids = [int(path.split("/")[3]) for path in glob.glob(socket_path("*"))]  # type: ignore[arg-type]
    found = set(names)
    for uid in uids:
        with contextlib.suppress(KeyError):
            found.add(pwd.getpwuid(uid).pw_name)
    found.discard("root")
    return {name: read_user(name) for name in sorted(found)}


def read_user(name: str) -> Json:
    try:
        entry = pwd.getpwnam(name)
    except (KeyError, ValueError):  # such as a name with a NUL
        return {**dict.fromkeys(("uid", "gid", "home", "socket")), **dict.fromkeys(_FLAGS, False)}
    uid, path = entry.pw_uid, socket_path(entry.pw_uid)
    own = is_own(path, uid)
    units = (f"{entry.pw_dir}/.config/systemd/user", _GLOBAL)
    elsewhere = asks_elsewhere(_kernel.read("/etc/nsswitch.conf") or "")
    return {
        "exists": True,
        "uid": uid,
        "gid": entry.pw_gid,
        "home": entry.pw_dir,
        "subuid": elsewhere or has_range(_kernel.read("/etc/subuid") or "", name, uid),
        "subgid": elsewhere or has_range(_kernel.read("/etc/subgid") or "", name, uid),
        "linger": os.path.exists(f"/var/lib/systemd/linger/{name}"),
        "socket": path if own else None,
        "running": own and _host_units.listens(path),
        "socket_enabled": _host_units.enabled("podman.socket", *units),
        "restart_unit_enabled": _host_units.enabled("podman-restart.service", *units),
    }


_FLAGS = ("exists", "subuid", "subgid", "linger", "running", "socket_enabled", "restart_unit_enabled")
