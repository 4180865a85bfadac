# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host's `ipv6_services` and its plan to what module container is given."""

from __future__ import annotations

import typing as t


def containers(
    services: t.Iterable[t.Mapping[str, t.Any]], planned: t.Iterable[t.Mapping[str, t.Any]]
) -> list[dict[str, t.Any]]:
    """The entries with the addresses and engines of the plan, in the order of the plan.

    services: the variable `ipv6_services`.
    planned: the services of the host in the plan, or some of them; the other entries are left out.
    Raises KeyError with the name of a service that the plan has and the list hasn't.
    """
    entries = {entry["name"]: entry for entry in services}
    return [_join(entries[service["name"]], service) for service in planned]


def _join(entry: t.Mapping[str, t.Any], service: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    joined = {**entry, "address": service["address"], "engine": service["engine"]}
    if joined["address"] is None:  # absent, and found by its label
        del joined["address"]
    return joined
