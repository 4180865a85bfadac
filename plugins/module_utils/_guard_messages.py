# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with what the guard is asked to do: what, where, why and the mend."""

from __future__ import annotations

import typing as t
from ipaddress import IPv6Address, IPv6Network

from ansible_collections.ipv6.services.plugins.module_utils._guard_elements import show_prefix


def host_address(network: IPv6Network, address: IPv6Address, link: str) -> str:
    """network: what is to be guarded, an address as a /128. address: of the host, in it."""
    what = str(address) if network.prefixlen == 128 else f"{network}, in which {address} lies,"
    return (
        f"{what} is not guarded: the host has {address} on {link}, and it is no service address of ours. The guard would close"
        " the host's own ports there. Give the service another address; those that module address sets are ours."
    )


def connection(network: IPv6Network, address: IPv6Address, port: int) -> str:
    """Ansible came in by a service address."""
    return (
        f"{show_prefix(network)} is not guarded: this connection came in by port {port} of {address}, which is not published for"
        f" everybody there, and the next one would be refused. Set ansible_host to the host's own address, or publish {port}."
    )


def no_nft() -> str:
    return "The program nft is not on this host: install the package nftables. Without it nothing can be guarded."


def no_systemd() -> str:
    return "systemd doesn't run on this host, and it is what would load the guard at boot. Set `persistent: false`."


def not_root() -> str:
    return "Only root can see and change the firewall. Set `become: true`."


def restored() -> str:
    """A warning."""
    return (
        "The guard was not as it was left: somebody has flushed the firewall, or changed table inet ipv6_services. It is put"
        " right."
    )


def sentence(errors: t.Sequence[str], total: int) -> str:
    """The module's own message. total: how many items the call was about."""
    head = f"{len(errors)} of {total} failed. " if total > 1 else ""
    return head + " ".join(errors)
