# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""iproute2: one `ip` for many items."""

from __future__ import annotations

import json
import re
import typing as t
from ipaddress import IPv6Address, IPv6Network

from ansible_collections.ipv6.services.plugins.module_utils._command import CommandError, Run, output, run_all
from ansible_collections.ipv6.services.plugins.module_utils._service_address import ServiceAddress

# `ip` says what is wrong first, and then which line it was.
_FAILED = re.compile(r"^Command failed -:(\d+)$")
_ADDRESS_LINE = re.compile(r"^addr replace (\S+)/(\d+) dev \S+ valid_lft forever preferred_lft (0|forever)$")
_ROUTE_LINE = re.compile(r"^route replace local (\S+) dev lo$")


def address_line(item: ServiceAddress, link: str) -> str:
    """A line of `ip -batch` that is right whether the address is there or not."""
    preferred = "0" if item.deprecated else "forever"
    return f"addr replace {item.address}/{item.length} dev {link} valid_lft forever preferred_lft {preferred}"


def route_line(prefix: IPv6Network) -> str:
    """A line of `ip -batch` that makes every address of the prefix the host's own (DESIGN.md, fact 8)."""
    return f"route replace local {prefix} dev lo"


def parse_addresses(text: str) -> list[tuple[IPv6Address, int, bool]]:
    """Address, length and whether it is deprecated, for each `address_line` in the text."""
    found = (_ADDRESS_LINE.match(line) for line in text.splitlines())
    return [(IPv6Address(m.group(1)), int(m.group(2)), m.group(3) == "0") for m in found if m]


def parse_prefixes(text: str) -> list[IPv6Network]:
    """The prefix of each `route_line` in the text."""
    found = (_ROUTE_LINE.match(line) for line in text.splitlines())
    return [IPv6Network(m.group(1)) for m in found if m]


def parse_failures(stderr: str) -> dict[int, str]:
    """Line number (the first is 1) to what `ip -force -batch -` said about it."""
    failures = {}
    said: list[str] = []
    for line in stderr.splitlines():
        match = _FAILED.match(line)
        if match:
            failures[int(match.group(1))] = " ".join(said) or "no reason given"
            said = []
        elif line.strip():
            said.append(line.strip())
    return failures


def parse_default_link(routes: t.Sequence[t.Mapping[str, t.Any]]) -> str | None:
    """The link of the default route with the lowest metric, from `ip -6 -json route show default`.

    `unreachable default dev lo` is no way out. A route with several next hops has its links there.
    """
    ways = []
    for route in routes:
        hops = route.get("nexthops") or [route]
        ways += [(route.get("metric", 0), hop["dev"]) for hop in hops if hop.get("dev", "lo") != "lo"]
    return min(ways)[1] if ways else None


class Iproute:
    """The program `ip`, through the module's run_command."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def read(self, *command: str) -> t.Any:
        """What `ip -json` says. Raises CommandError."""
        argv = ["ip", "-json", *command]
        text = output(self._run, argv)
        try:
            return json.loads(text or "[]")
        except ValueError as exc:
            raise CommandError(f"`{' '.join(argv)}` said no JSON ({exc}): {text[:200]!r}") from None

    def default_link(self) -> str | None:
        return parse_default_link(self.read("-6", "route", "show", "default"))

    def routed_prefixes(self) -> set[IPv6Network]:
        """The prefixes whose every address is the host's own, ours or not; not the single addresses of `lo`."""
        routes = self.read("-6", "route", "show", "table", "local", "type", "local", "dev", "lo")
        prefixes = (IPv6Network(route["dst"]) for route in routes)
        return {prefix for prefix in prefixes if str(prefix) != "::1/128"}

    def batch(self, lines: t.Sequence[str]) -> dict[int, str]:
        """Run the lines; index of each that failed -> why. The others are done.

        Every line must be right in itself: `-force` goes on after what the kernel refuses, and stops at what `ip` can't read
        (DESIGN.md, fact 6).
        """
        if not lines:
            return {}
        argv = ["ip", "-6", "-force", "-batch", "-"]
        status, _out, err = run_all(self._run, argv, "".join(f"{line}\n" for line in lines))
        failures = parse_failures(err)
        if status != 0 and not failures:
            raise CommandError(f"`{' '.join(argv)}` ended with exit status {status} and said: {' '.join(err.split())}")
        return {number - 1: why for number, why in failures.items()}

    def neighbour_macs(self, link: str) -> dict[IPv6Address, str]:
        """Neighbour to its MAC address, of those on the link that the neighbour table has one for."""
        neighbours = self.read("-6", "neigh", "show", "dev", link)
        return {IPv6Address(n["dst"]): n["lladdr"] for n in neighbours if "lladdr" in n}
