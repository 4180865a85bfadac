# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The records of a fleet's services, from the plan and from what is known to be up."""

from __future__ import annotations

import typing as t

from ansible_collections.ipv6.services.plugins.module_utils._addresses import RequestError

MORE = ("https", "ptr", "svcb", "ttl", "txt")  # what may be said of a name beside its service

Service = t.Mapping[str, t.Any]
Record = dict[str, t.Any]


def records(
    hosts: t.Mapping[str, t.Mapping[str, t.Any]],
    up: t.Iterable[Service],
    reached: t.Iterable[str],
    more: t.Mapping[str, t.Mapping[str, t.Any]] | None = None,
    purge: bool = False,
) -> dict[str, list[t.Any]]:
    """`present` to be published, `absent` to be taken back, and `keep`, names that stay as they are.

    hosts: `hosts` of the plan, the whole fleet.
    up: services that are known to run and to answer, each with its fqdn and its address.
    reached: names of the hosts that this run is about; the others' names stay as they are.
    more: by full name, options of module dns_record.
    purge: whether names of services that these hosts have, and that nobody lists, are taken back as well.

    A name whose address came from DNS is somebody else's, and in none of the lists but `keep`. Raises RequestError.
    """
    here = frozenset(reached)
    listed = [(host, service) for host, part in hosts.items() for service in part["services"]]
    stays = {service["fqdn"] for _host, service in listed if service["state"] != "absent"}
    addresses = {service["fqdn"]: service["address"] for service in up}
    more = more or {}
    _check_more(more, {service["fqdn"] for _host, service in listed})
    present = [
        {"name": service["fqdn"], "addresses": [addresses[service["fqdn"]]], **more.get(service["fqdn"], {})}
        for host, service in listed
        if host in here and service["fqdn"] in addresses and service["state"] == "started" and _is_to_be_named(service)
    ]
    absent = [
        _gone(service)
        for host, service in listed
        if host in here and service["fqdn"] not in stays and _is_to_be_named(service)
    ]
    if purge:
        named = stays | {record["name"] for record in absent}
        unlisted = {s["fqdn"]: s for host in hosts if host in here for s in hosts[host].get("unlisted", ())}
        absent += [_gone(service) for name, service in unlisted.items() if name not in named and _has_domain(name)]
    published = {record["name"] for record in present}
    return {"present": present, "absent": absent, "keep": sorted(filter(_has_domain, stays - published))}


def _gone(service: Service) -> Record:
    addresses = [service["address"]] if service["address"] else []
    return {"name": service["fqdn"], "addresses": addresses, "state": "absent"}


def _is_to_be_named(service: Service) -> bool:
    return service["source"] != "dns" and _has_domain(service["fqdn"])


def _has_domain(name: str) -> bool:
    return "." in name


def _check_more(more: t.Mapping[str, t.Mapping[str, t.Any]], known: t.AbstractSet[str]) -> None:
    for name, options in more.items():
        if name not in known:
            raise RequestError(f"{name!r} is no service of the fleet. Write the full name of one, as web1.example.com.")
        wrong = sorted(set(options) - set(MORE))
        if wrong:
            raise RequestError(f"{name}: {wrong[0]!r} is not known. It may have {', '.join(MORE)}.")
