# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who else than systemd-networkd sets up links: NetworkManager and ifupdown, by the files they keep in /run."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.ipv6.services.plugins.module_utils import _kernel


def parse_ifstate(text: str) -> set[str]:
    """The links that ifupdown has up, from /run/network/ifstate: `LINK=NAME OF ITS STANZA`."""
    return {line.partition("=")[0] for line in text.splitlines() if "=" in line}


def parse_device(text: str) -> bool:
    """Whether NetworkManager manages a device, from its file /run/NetworkManager/devices/INDEX."""
    return "managed=true" in text.splitlines()


def read_managers(links: t.Iterable[str]) -> dict[str, str]:
    """Link to "networkmanager" or "ifupdown", for those that one of them manages."""
    ifupdown = parse_ifstate(_kernel.read("/run/network/ifstate") or "") if os.path.isdir("/run/network") else set()
    managers = {}
    for link in links:
        index = _kernel.read(f"/sys/class/net/{link}/ifindex")
        if parse_device(_kernel.read(f"/run/NetworkManager/devices/{index}") or ""):
            managers[link] = "networkmanager"
        elif link in ifupdown and link != "lo":
            managers[link] = "ifupdown"
    return managers
