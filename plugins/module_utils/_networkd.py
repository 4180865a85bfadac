# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""systemd-networkd: which file sets up a link, and a drop-in of ours for that file.

networkd takes away every address that it did not make as soon as any of its files changes (DESIGN.md, fact 5), so service
addresses are given to networkd itself.
"""

from __future__ import annotations

import glob
import json
import os
import re
import typing as t
from ipaddress import IPv4Address, IPv6Address, IPv6Interface, ip_address

from ansible_collections.ipv6.services.plugins.module_utils import _kernel
from ansible_collections.ipv6.services.plugins.module_utils._command import CommandError, Run, output, run_all
from ansible_collections.ipv6.services.plugins.module_utils._service_address import ServiceAddress

_PERMANENT = 0x80  # a flag of an address, from linux/if_addr.h
_HEADER = """\
# Service addresses on {link}. The module ipv6.services.address of Ansible wrote this file and writes it again;
# to take one away, call the module with `state: absent`.
"""
_LINK = re.compile(r"^# Service addresses on (\S+)\. The module ", re.MULTILINE)


def render(link: str, addresses: t.Iterable[ServiceAddress]) -> str:
    """The drop-in. PreferredLifetime=0 keeps the host from using them as its own source address (DESIGN.md, fact 7)."""
    sections = []
    for item in sorted(addresses):
        lines = ["[Address]", f"Address={item.address}/{item.length}"]
        if item.deprecated:
            lines.append("PreferredLifetime=0")
        sections.append("\n".join(lines) + "\n")
    return "\n".join([_HEADER.format(link=link), *sections])


def parse(text: str) -> list[tuple[IPv6Address, int, bool]]:
    """Address, length and whether it is deprecated, for each section that `render` wrote. Other lines are left out."""
    found: list[tuple[IPv6Address, int, bool]] = []
    for line in text.splitlines():
        if line.startswith("Address="):
            interface = IPv6Interface(line[len("Address=") :])
            found.append((interface.ip, interface.network.prefixlen, False))
        elif line == "PreferredLifetime=0" and found:
            found[-1] = (*found[-1][:2], True)
    return found


def drop_in(network_file: str, persistent: bool) -> str:
    """The path of our drop-in for a network file.

    A drop-in in /etc or /run adds to a file of that name wherever it lies: netplan writes its own to /run/systemd/network. One
    in /etc hides one of the same name in /run, so the two have different names.
    """
    directory = os.path.basename(network_file) + ".d"
    if persistent:
        return f"/etc/systemd/network/{directory}/ipv6-services.conf"
    return f"/run/systemd/network/{directory}/ipv6-services-runtime.conf"


def parse_link(text: str) -> str | None:
    """The link that `render` wrote the drop-in for."""
    match = _LINK.search(text)
    return match and match.group(1)


def drop_ins() -> list[str]:
    """Every drop-in of ours, also for a network file that is no more, or not that of its link any more."""
    patterns = (drop_in("*.network", persistent) for persistent in (True, False))
    return sorted(path for pattern in patterns for path in glob.glob(pattern))


def parse_network_files(listing: t.Mapping[str, t.Any]) -> dict[str, str]:
    """Link to its network file, for the links that networkd manages, from `networkctl --json=short list`."""
    return {
        link["Name"]: link["NetworkFile"]
        for link in listing.get("Interfaces", ())
        if link.get("NetworkFile") and link.get("AdministrativeState") != "unmanaged"
    }


def parse_undecided(listing: t.Mapping[str, t.Any]) -> dict[str, str]:
    """Link to its state, for the links that networkd has still to find a network file for."""
    return {
        link["Name"]: link["AdministrativeState"]
        for link in listing.get("Interfaces", ())
        if link.get("AdministrativeState") in ("pending", "initialized")
    }


def parse_foreign(listing: t.Mapping[str, t.Any], name: str) -> list[IPv4Address | IPv6Address]:
    """The global addresses of a link that neither networkd nor a router's advertisement set; sorted.

    Nothing where networkctl doesn't list addresses: systemd 257 does, 252 does not.
    """
    links = [link for link in listing.get("Interfaces", ()) if link["Name"] == name]
    found = [
        ip_address(bytes(item["Address"]))
        for link in links
        for item in link.get("Addresses", ())
        # What has a lifetime is the kernel's own: a temporary address, or one from an advertisement.
        if item.get("ConfigSource") == "foreign" and item.get("Scope") == 0 and item.get("Flags", 0) & _PERMANENT
    ]
    return sorted(found, key=lambda address: (address.version, int(address)))


def keeps_foreign(listing: t.Mapping[str, t.Any], name: str) -> bool:
    """Whether the files of a link tell networkd to leave alone what it did not set."""
    value = ""
    for link in listing.get("Interfaces", ()):
        for path in [link.get("NetworkFile"), *link.get("NetworkFileDropins", ())] if link["Name"] == name else []:
            for line in (_kernel.read(path) or "").splitlines() if path else []:
                key, _equals, given = line.partition("=")
                value = given.strip().lower() if key.strip() == "KeepConfiguration" else value
    return value in ("static", "yes", "true", "on", "1", "y", "t")


class Networkd:
    """The program `networkctl`, through the module's run_command."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def read(self) -> dict[str, t.Any]:
        """What `networkctl --json=short list` says; empty where networkd doesn't run. Raises CommandError."""
        # The directory stays when networkd is stopped, and then networkctl would start it by its socket.
        if not os.path.isdir("/run/systemd/netif/links") or not _kernel.service_runs("systemd-networkd"):
            return {}
        argv = ["networkctl", "--json=short", "list"]
        try:
            return dict(json.loads(output(self._run, argv)))
        except (CommandError, ValueError) as exc:
            if not self._is_active():  # any more
                return {}
            raise CommandError(f"systemd-networkd runs, and can't be asked: {exc}") from None

    def network_files(self) -> dict[str, str]:
        """Link to its network file; empty where networkd doesn't run. Raises CommandError."""
        return parse_network_files(self.read())

    def _is_active(self) -> bool:
        try:
            return run_all(self._run, ["systemctl", "is-active", "--quiet", "systemd-networkd"])[0] == 0
        except CommandError:
            return False

    def reload(self) -> None:
        """Make networkd see changed files. It returns before the addresses are there. Raises CommandError.

        Where it doesn't run there is nothing to be seen: its files are left from a time when it did.
        """
        if _kernel.service_runs("systemd-networkd"):
            output(self._run, ["networkctl", "reload"])
