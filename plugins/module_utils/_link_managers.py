# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who else than systemd-networkd sets up links: NetworkManager and ifupdown, by the files they keep in /run.

NetworkManager's stay when it is stopped, and it keeps one too for a link that it only watches ("connected (externally)").
"""

from __future__ import annotations

import glob
import itertools
import os
import re
import typing as t

from ansible_collections.ipv6.services.plugins.module_utils import _kernel


def parse_ifstate(text: str) -> set[str]:
    """The links that ifupdown has up, from /run/network/ifstate: `LINK=NAME OF ITS STANZA`."""
    return {line.partition("=")[0] for line in text.splitlines() if "=" in line}


def parse_interfaces(text: str) -> tuple[set[str], list[str]]:
    """The links that a file as /etc/network/interfaces has a stanza for, and the patterns of the files that it includes."""
    words = [line.split() for line in text.splitlines()]
    links = {line[1] for line in words if line[:1] == ["iface"] and len(line) > 1}
    files = [line[1] for line in words if line[:1] == ["source"] and len(line) > 1]
    return links, files + [f"{line[1]}/*" for line in words if line[:1] == ["source-directory"] and len(line) > 1]


def parse_device(text: str, watched: t.Collection[str] = ()) -> bool:
    """Whether NetworkManager manages a device, from its file /run/NetworkManager/devices/INDEX.

    watched: the UUIDs of the connections that stand for what somebody else has set up.
    """
    lines = text.splitlines()
    return "managed=true" in lines and not any(f"connection-uuid={uuid}" in lines for uuid in watched)


def parse_watched(text: str) -> str | None:
    """The UUID of a connection that NetworkManager made for what somebody else has set up, from its keyfile."""
    uuid = re.search(r"^uuid=(\S+)$", text, re.MULTILINE)
    return uuid.group(1) if uuid and re.search(r"^external=true$", text, re.MULTILINE) else None


def read_managers(links: t.Iterable[str]) -> dict[str, str]:
    """Link to "networkmanager" or "ifupdown", for those that one of them manages."""
    ifupdown = _read_ifupdown() if os.path.isdir("/run/network") else set()
    runs, watched = _kernel.service_runs("NetworkManager"), _read_watched()
    managers = {}
    for link in links:
        index = _kernel.read(f"/sys/class/net/{link}/ifindex")
        if runs and parse_device(_kernel.read(f"/run/NetworkManager/devices/{index}") or "", watched):
            managers[link] = "networkmanager"
        elif link in ifupdown and link != "lo":
            managers[link] = "ifupdown"
    return managers


def _read_ifupdown() -> set[str]:
    """Those that ifup has set up, or tried to: without a carrier it fails after 6 s (DESIGN.md, fact 39)."""
    up, tried = parse_ifstate(_kernel.read("/run/network/ifstate") or ""), glob.glob("/run/network/ifstate.*")
    return up | (_read_stanzas() & {os.path.basename(path)[len("ifstate.") :] for path in tried})


def _read_stanzas() -> set[str]:
    stanzas: set[str] = set()
    seen: set[str] = set()
    waiting = ["/etc/network/interfaces"]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        links, patterns = parse_interfaces(_kernel.read(path) or "")
        stanzas |= links
        paths = (os.path.join("/etc/network", pattern) for pattern in patterns)
        waiting += itertools.chain.from_iterable(glob.glob(each) for each in paths)
    return stanzas


def _read_watched() -> set[str]:
    found = (parse_watched(_kernel.read(path) or "") for path in glob.glob("/run/NetworkManager/system-connections/*"))
    return {uuid for uuid in found if uuid}
