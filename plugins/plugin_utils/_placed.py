# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A service and the address that it gets."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address

from ansible_collections.ipv6.services.plugins.module_utils._ports import Binding
from ansible_collections.ipv6.services.plugins.plugin_utils._problem import Problem
from ansible_collections.ipv6.services.plugins.plugin_utils._service import Service


@dataclass(frozen=True)
class Placed:
    """A service and its address."""

    service: Service
    address: IPv6Address | None  # None: absent, and it is not known; or from the router; or there is a problem with it
    source: str  # address, allocated, dns, router or none
    on_link: bool  # whether it goes on an interface of the host
    bindings: tuple[tuple[Binding, bool], ...] = ()  # each with whether it comes from a range

    @property
    def stays(self) -> bool:
        return self.service.state != "absent"


def problem_of(service: Service, field: str, value: str, problem: str, mend: str) -> Problem:
    return Problem(service.host, service.name, field, value, problem, mend, service.index + 1)


def who(service: Service) -> str:
    return f"{service.name} on {service.host}"
