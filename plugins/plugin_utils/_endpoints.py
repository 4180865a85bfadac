# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Planned services to what module probe asks."""

from __future__ import annotations

import typing as t


def endpoints(planned: t.Iterable[t.Mapping[str, t.Any]]) -> list[dict[str, t.Any]]:
    """The TCP ports of each service, by address, in the order of the plan.

    planned: services of one host, as action plan returns them.

    Left out: UDP and SCTP, which need not answer, and ranges, of which a service uses what it wants.
    """
    found: dict[tuple[str, str], list[int]] = {}
    for service in planned:
        for port in service["ports"]:
            if port["protocol"] == "tcp" and not port["range"]:
                found.setdefault((service["name"], port["address"]), []).append(port["port"])
    return [{"name": name, "address": address, "ports": ports} for (name, address), ports in found.items()]
