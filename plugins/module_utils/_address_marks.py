# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files in which service addresses and routed prefixes are written down.

An address in one of them is ours; any other is the host's own, and is never changed or removed. A link has one for those that
outlive a reboot and one for the others, and so have the routed prefixes. More are left from another network manager until the
addresses in them are moved.
"""

from __future__ import annotations

import contextlib
import glob
import os
import re
import typing as t

from ansible_collections.ipv6.services.plugins.module_utils import _iproute, _kernel, _networkd
from ansible_collections.ipv6.services.plugins.module_utils._service_address import RoutedPrefix, ServiceAddress, Store

_CONFIGURATION = "/etc/ipv6-services"
_RUNTIME = "/run/ipv6-services"
# Who runs the lines of a batch file. The file itself says it, since that is all that tells one backend from another.
_RUNS = {"none": "a unit of systemd", "ifupdown": "ifupdown", "networkmanager": "NetworkManager"}
_SET_BY = re.compile(r"^# Service addresses on \S+, set by ([^:]+): lines for ")
BACKENDS = ("networkd", *_RUNS)
_HEADER = """\
# {what}: lines for `ip -6 -force -batch`. The module ipv6.services.address of Ansible wrote
# this file and writes it again; to take one away, call the module with `state: absent`.
"""


def find_store(backend: str, persistent: bool, link: str, network_file: str | None) -> Store:
    """Where a backend keeps the addresses of a link. network_file: of the link, which networkd has to manage."""
    if backend == "networkd":
        return Store(backend, persistent, _networkd.drop_in(network_file or f"{link}.network", persistent))
    return Store(backend, persistent, batch_file(link, persistent))


def batch_file(link: str, persistent: bool) -> str:
    return f"{_CONFIGURATION if persistent else _RUNTIME}/addresses-{link}.batch"


def prefix_file(persistent: bool) -> str:
    return f"{_CONFIGURATION if persistent else _RUNTIME}/routed-prefixes.batch"


def render_addresses(link: str, store: Store, addresses: t.Collection[ServiceAddress]) -> str:
    if store.backend == "networkd":
        return _networkd.render(link, addresses)
    lines = [_HEADER.format(what=f"Service addresses on {link}, set by {_RUNS[store.backend]}")]
    return "".join(lines + [_iproute.address_line(item, link) + "\n" for item in sorted(addresses)])


def render_prefixes(prefixes: t.Iterable[RoutedPrefix]) -> str:
    lines = [_HEADER.format(what="Prefixes that a router routes to this host")]
    return "".join(lines + [_iproute.route_line(item.prefix) + "\n" for item in sorted(prefixes)])


def parse_addresses(path: str, text: str) -> list[ServiceAddress]:
    """The service addresses in a file of ours."""
    persistent = not path.startswith(("/run/", f"{_RUNTIME}/"))
    if path.endswith(".conf"):
        return [ServiceAddress(*found, Store("networkd", persistent, path)) for found in _networkd.parse(text)]
    match = _SET_BY.match(text)
    backend = next((name for name, who in _RUNS.items() if match and who == match.group(1)), "none")
    return [ServiceAddress(*found, Store(backend, persistent, path)) for found in _iproute.parse_addresses(text)]


def read_prefixes() -> list[RoutedPrefix]:
    return [
        RoutedPrefix(prefix, persistent)
        for persistent in (True, False)
        for prefix in _iproute.parse_prefixes(_kernel.read(prefix_file(persistent)) or "")
    ]


def read_all(network_files: t.Mapping[str, str]) -> dict[str, list[ServiceAddress]]:
    """Link to its service addresses, from all their files, also for the links that are gone."""
    marked: dict[str, list[ServiceAddress]] = {}
    current = {_networkd.drop_in(file, p): link for link, file in network_files.items() for p in (True, False)}
    for path in _networkd.drop_ins():
        text = _kernel.read(path) or ""
        link = current.get(path) or _networkd.parse_link(text)
        if link:
            marked.setdefault(link, []).extend(parse_addresses(path, text))
    for path, link in _batch_files().items():
        marked.setdefault(link, []).extend(parse_addresses(path, _kernel.read(path) or ""))
    return {link: addresses for link, addresses in marked.items() if addresses}


def _batch_files() -> dict[str, str]:
    """Path of each batch file of service addresses -> its link."""
    patterns = [batch_file("*", persistent) for persistent in (True, False)]
    paths = sorted(path for pattern in patterns for path in glob.glob(pattern))
    return {path: os.path.basename(path)[len("addresses-") : -len(".batch")] for path in paths}


def write(path: str, text: str, mode: int = 0o644) -> None:
    """Replace the file at once: a reader sees the old text or the new one, also after a loss of power."""
    _make_directory(os.path.dirname(path))
    temporary = f"{path}.new"
    with open(temporary, "w", encoding="ascii") as file:
        os.fchmod(file.fileno(), mode)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def _make_directory(path: str) -> None:
    """With its parents, readable for all: systemd-networkd runs as a user of its own. What is there stays as it is."""
    before = os.umask(0o022)
    try:
        os.makedirs(path, exist_ok=True)
    finally:
        os.umask(before)


def remove(path: str) -> None:
    """Remove the file, and its directory when that was the last one in it and the directory was made for it."""
    with contextlib.suppress(FileNotFoundError):
        os.remove(path)
    directory = os.path.dirname(path)
    if os.path.basename(directory) == "ipv6-services" or directory.endswith((".network.d", ".service.d")):
        with contextlib.suppress(OSError):
            os.rmdir(directory)
