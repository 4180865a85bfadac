# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files in which service addresses and routed prefixes are written down.

An address in one of them is ours; any other is the host's own, and is never changed or removed. There are four for a link
(who sets the addresses, and whether that outlives a reboot) and two for routed prefixes.
"""

from __future__ import annotations

import contextlib
import os
import typing as t

from ansible_collections.ipv6.services.plugins.module_utils import _iproute, _kernel, _networkd
from ansible_collections.ipv6.services.plugins.module_utils._service_address import RoutedPrefix, ServiceAddress, Store

_CONFIGURATION = "/etc/ipv6-services"
_RUNTIME = "/run/ipv6-services"
STORES = tuple(Store(backend, persistent) for backend in ("networkd", "none") for persistent in (True, False))
_HEADER = """\
# {what}: lines for `ip -6 -force -batch`. The module ipv6.services.address of Ansible wrote
# this file and writes it again; to take one away, call the module with `state: absent`.
"""


def address_file(link: str, network_file: str | None, store: Store) -> str | None:
    """Where a store keeps the addresses of a link; None when networkd doesn't manage the link."""
    if store.backend == "networkd":
        return _networkd.drop_in(network_file, store.persistent) if network_file else None
    return batch_file(link, store.persistent)


def batch_file(link: str, persistent: bool) -> str:
    return f"{_CONFIGURATION if persistent else _RUNTIME}/addresses-{link}.batch"


def prefix_file(persistent: bool) -> str:
    return f"{_CONFIGURATION if persistent else _RUNTIME}/routed-prefixes.batch"


def render_addresses(link: str, store: Store, addresses: t.Collection[ServiceAddress]) -> str:
    if store.backend == "networkd":
        return _networkd.render(addresses)
    lines = [_HEADER.format(what=f"Service addresses on {link}")]
    return "".join(lines + [_iproute.address_line(item, link) + "\n" for item in sorted(addresses)])


def render_prefixes(prefixes: t.Iterable[RoutedPrefix]) -> str:
    lines = [_HEADER.format(what="Prefixes that a router routes to this host")]
    return "".join(lines + [_iproute.route_line(item.prefix) + "\n" for item in sorted(prefixes)])


def read_addresses(link: str, network_file: str | None) -> list[ServiceAddress]:
    """The service addresses of a link, from all its stores."""
    marked = []
    for store in STORES:
        path = address_file(link, network_file, store)
        text = _kernel.read(path) if path else None
        if text:
            parse = _networkd.parse if store.backend == "networkd" else _iproute.parse_addresses
            marked += [ServiceAddress(*found, store) for found in parse(text)]
    return marked


def read_prefixes() -> list[RoutedPrefix]:
    return [
        RoutedPrefix(prefix, persistent)
        for persistent in (True, False)
        for prefix in _iproute.parse_prefixes(_kernel.read(prefix_file(persistent)) or "")
    ]


def read_all(links: t.Iterable[str], network_files: t.Mapping[str, str]) -> dict[str, list[ServiceAddress]]:
    """Link to its service addresses, for every link that has some, and for those that are gone."""
    names = {*links, *_batch_links()}
    marked = {link: read_addresses(link, network_files.get(link)) for link in names}
    return {link: addresses for link, addresses in marked.items() if addresses}


def _batch_links() -> set[str]:
    links: set[str] = set()
    for directory in (_CONFIGURATION, _RUNTIME):
        with contextlib.suppress(OSError):
            names = [
                name for name in os.listdir(directory) if name.startswith("addresses-") and name.endswith(".batch")
            ]
            links.update(name[len("addresses-") : -len(".batch")] for name in names)
    return links


def write(path: str, text: str) -> None:
    """Replace the file at once: a reader sees the old text or the new one, also after a loss of power."""
    _make_directory(os.path.dirname(path))
    temporary = f"{path}.new"
    with open(temporary, "w", encoding="ascii") as file:
        os.fchmod(file.fileno(), 0o644)
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
    """Remove the file, and its directory when that was the last one in it."""
    with contextlib.suppress(FileNotFoundError):
        os.remove(path)
    with contextlib.suppress(OSError):
        os.rmdir(os.path.dirname(path))
