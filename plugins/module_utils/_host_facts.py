# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host's network is, out of what `ip -json` and the kernel say: the values of the fact `ipv6_services_host`."""

from __future__ import annotations

import typing as t
from ipaddress import IPv6Address, IPv6Network

from ansible_collections.ipv6.services.plugins.module_utils._service_address import Held, ServiceAddress

Json = t.Mapping[str, t.Any]


def links(
    listing: t.Sequence[Json], network_files: t.Mapping[str, str], others: t.Mapping[str, str]
) -> dict[str, Json]:
    """Link to what it is, from `ip -json addr show`. Ports of a bridge or bond are left out: their master has the addresses.

    network_files: the network file of each link that networkd manages.
    others: "networkmanager" or "ifupdown" for each link that one of these manages.
    """
    return {
        link["ifname"]: {
            "carrier": "LOWER_UP" in link["flags"],
            "mac": link.get("address"),
            "manager": "networkd" if link["ifname"] in network_files else others.get(link["ifname"], "none"),
            "network_file": network_files.get(link["ifname"]),
        }
        for link in listing
        if "master" not in link
    }


def macs(listing: t.Sequence[Json]) -> list[str]:
    """Every MAC address that the host's own links have, sorted."""
    found = {link["address"] for link in listing if link.get("link_type") == "ether" and "master" not in link}
    return sorted(found)


def host_addresses(listing: t.Sequence[Json], ours: t.Collection[tuple[str, IPv6Address]]) -> list[Json]:
    """The global addresses that the host has for itself, from `ip -json addr show`.

    ours: link and address of the service addresses.
    """
    return [
        {"address": info["local"], "length": info["prefixlen"], "interface": link["ifname"]}
        for link in listing
        for info in link.get("addr_info", ())
        if info.get("family") == "inet6"
        and info.get("scope") == "global"
        and (link["ifname"], IPv6Address(info["local"])) not in ours
    ]


def state(item: ServiceAddress, link: str | None, held: t.Mapping[tuple[str | None, IPv6Address], Held]) -> str:
    """ "ok", "tentative", "duplicate", or "absent" when it is written down and not on its link."""
    found = held.get((link, item.address))
    if found is None:
        return "absent"
    if found.duplicate:
        return "duplicate"
    return "tentative" if found.tentative else "ok"


def service_addresses(marked: t.Mapping[str, t.Sequence[ServiceAddress]], held: t.Sequence[Held]) -> list[Json]:
    """Every service address of the host with its state, by link and address.

    marked: link to the addresses written down for it.
    """
    by_place: dict[tuple[str | None, IPv6Address], Held] = {(h.link, h.address): h for h in held}
    return [
        {"address": str(item.address), "interface": link, "state": state(item, link, by_place)}
        for link in sorted(marked)
        for item in sorted({item.address: item for item in marked[link]}.values())
    ]


def prefixes(routes: t.Sequence[Json], listing: t.Sequence[Json]) -> list[Json]:
    """The on-link prefixes, from `ip -6 -json route show` and `ip -json addr show`: sorted, each once a link.

    A network manager may set an address without a route for its prefix, and a router may announce a prefix as on-link
    without an address in it, so both count.
    """
    found = {
        (_network(route["dst"]), route["dev"])
        for route in routes
        if route.get("dst", "default") != "default"
        and not route.get("gateway")
        and route.get("dev", "lo") != "lo"
        and route.get("type", "unicast") == "unicast"
    }
    for link in listing:
        for info in link.get("addr_info", ()):
            if info.get("family") == "inet6" and link["ifname"] != "lo":
                found.add((IPv6Network((info["local"], info["prefixlen"]), strict=False), link["ifname"]))
    return [
        {"prefix": str(prefix), "interface": link}
        for prefix, link in sorted(found)
        if prefix.prefixlen < 128 and not prefix.is_link_local and not prefix.is_multicast
    ]


def has_ipv4_default(table: str) -> bool:
    """table: /proc/net/route, whose columns begin with link, destination and gateway; the eighth is the mask."""
    rows = (line.split() for line in table.splitlines()[1:])
    return any(len(row) > 7 and row[1] == row[7] == "00000000" for row in rows)


def _network(text: str) -> IPv6Network:
    return IPv6Network(text)  # `ip` leaves out the length of a /128


def os_release(text: str) -> Json:
    """The fields of /etc/os-release that tell distributions apart."""
    values = {}
    for line in text.splitlines():
        key, found, value = line.partition("=")
        if found:
            values[key] = value.strip().strip("\"'")
    return {
        "id": values.get("ID", ""),
        "id_like": values.get("ID_LIKE", "").split(),
        "version_id": values.get("VERSION_ID"),
        "codename": values.get("VERSION_CODENAME"),
    }
