# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rootless Podman: where a user's engine listens, and which network its containers get that name none."""

from __future__ import annotations

import errno
import os
import pwd
import re
import shutil
import stat
import typing as t

from ansible_collections.ipv6.services.plugins.module_utils._container_spec import engine_of, user_of
from ansible_collections.ipv6.services.plugins.module_utils._engine_reader import EngineError

RUN = "/run/user"
ROUTES = "/proc/net/route"
# Podman runs one of these in the place of a network. Only with pasta a service sees the client's own address.
PASTA, IPV6_PASTA, SLIRP = "pasta", "pasta:--ipv6-only", "slirp4netns"
MODES = (PASTA, SLIRP)


def socket_of(engine: str, sockets: t.Mapping[str, str]) -> str:
    """The path of an engine's socket.

    sockets: of the engines that are root's.
    Raises EngineError for a user that is not there, as for a socket that is not.
    """
    owner = owner_of(engine)
    return sockets[engine] if owner is None else _path(owner)


def owner_of(engine: str) -> int | None:
    """The uid of the user whose engine it is; None for one of root's."""
    user = user_of(engine)
    try:
        return None if user is None else pwd.getpwnam(user).pw_uid
    except KeyError:
        raise EngineError(f"this host has no user {user}", number=errno.ENOENT) from None


def pinned(engine: str, path: str) -> str:
    """A path that leads to the socket of a user's engine as it is now, and for as long as this process lives.

    A user could put a link to the socket of root's engine there, even between a look and a connection.
    Raises EngineError where the socket is not the user's own.
    """
    owner = owner_of(engine)
    if owner is None:
        return path
    try:
        place = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as exc:
        raise EngineError(f"{path}: {exc.strerror}", number=exc.errno) from None
    found = os.fstat(place)
    if not stat.S_ISSOCK(found.st_mode) or found.st_uid != owner:
        os.close(place)
        raise EngineError(f"{path} is no socket of {user_of(engine)}'s own")
    return f"/proc/self/fd/{place}"


def place_of(engine: str, sockets: t.Mapping[str, str]) -> str:
    """The same for a message: the user may not be there."""
    try:
        return socket_of(engine, sockets)
    except EngineError:
        return _path("UID")


def _path(uid: int | str) -> str:
    return f"{RUN}/{uid}/podman/podman.sock"


def users_engines() -> list[str]:
    """The engines of all users who have a socket of Podman's that is their own, sorted.

    A user can put anything there: a link that leads to the socket of another, root's even, would have that one's containers
    listed as if they were the user's.
    """
    uids = [int(name) for name in os.listdir(RUN) if name.isdigit()] if os.path.isdir(RUN) else []
    names = [_name(uid) for uid in uids if uid and _owns_socket(uid)]
    return sorted(engine_of("podman", name) for name in names if name)


def _owns_socket(uid: int) -> bool:
    try:
        found = os.lstat(_path(uid))
    except OSError:
        return False
    return stat.S_ISSOCK(found.st_mode) and found.st_uid == uid


def _name(uid: int) -> str | None:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return None


def rootless_network(version: str, routes: str, pasta: bool) -> str:
    """What a container of rootless Podman gets that names no network.

    Over its Docker API Podman would take a bridge, which hides the client; that is not what `podman run` does.
    version: of Podman. From 4.4 on it knows pasta, and from 5.0 on it is what `podman run` takes.
    routes: text of /proc/net/route. Without a default route pasta fails where a link that is down has IPv4 (DESIGN.md, fact 9).
    pasta: whether the program is there.
    """
    numbers = tuple(int(n) for n in re.findall(r"\d+", version)[:2])
    if numbers < (4, 4) or (numbers < (5, 0) and not pasta):
        return SLIRP
    return PASTA if has_default_route(routes) else IPV6_PASTA


def has_default_route(routes: str) -> bool:
    """Whether there is one for IPv4 in the text of /proc/net/route."""
    rows = [line.split() for line in routes.splitlines()[1:]]
    return any(row[1] == row[7] == "00000000" for row in rows if len(row) > 7)


def network_here(version: str) -> str:
    """The same with what this host has."""
    try:
        with open(ROUTES, encoding="ascii") as file:
            routes = file.read()
    except OSError:  # a kernel without IPv4
        routes = ""
    return rootless_network(version, routes, bool(shutil.which("pasta")))


def mode_of(network: str) -> str | None:
    """The program that is in the place of a network, without its options; None for a network."""
    program = network.partition(":")[0]
    return program if program in MODES else None
