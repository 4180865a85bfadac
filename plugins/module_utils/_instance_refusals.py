# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a service can't be had on a host, and what to do about it."""

from __future__ import annotations

import errno
import typing as t
from ipaddress import IPv6Address

from ansible_collections.ipv6.services.plugins.module_utils._engine_reader import EngineError
from ansible_collections.ipv6.services.plugins.module_utils._instance_found import KEY_PROTECTED, Found
from ansible_collections.ipv6.services.plugins.module_utils._instance_plan import Step
from ansible_collections.ipv6.services.plugins.module_utils._instance_spec import Instance


def unreadable(engine: str, path: str, error: EngineError) -> str:
    """Why nothing is known of an engine, with the mend where there is one."""
    if error.nobody_there:
        return (
            f"{engine} does not answer at {path}: {error}. Install and start it, as the role ipv6.services.host does."
        )
    mend = " Only root can use it: set `become: true`." if error.number in (errno.EACCES, errno.EPERM) else ""
    return f"{engine} at {path} can't be asked for its instances: {error}.{mend}"


def refusals(steps: t.Iterable[Step], host_addresses: t.Container[IPv6Address]) -> dict[str, str]:
    """Service -> why it is not touched, of those that would lose what is protected, or share an address with the host."""
    errors = {}
    for step in steps:
        goes = [*step.leftovers, *((step.found,) if step.found and step.action in ("removed", "replaced") else ())]
        protected = next((found for found in goes if found.protected), None)
        if protected:
            errors[step.name] = protected_text(protected)
        elif shares_with_host(step, host_addresses):
            errors[step.name] = host_has_text(t.cast("Instance", step.wanted))
    return errors


def unknown_of(step: Step, host_addresses: t.Container[IPv6Address]) -> tuple[str, ...]:
    """What check mode can't know: the address may be taken from the host before a real run gets here."""
    if not step.wanted or not shares_with_host(step, host_addresses):
        return ()
    return (f"whether {step.wanted.address}, which the host has now, is free by then",)


def shares_with_host(step: Step, host_addresses: t.Container[IPv6Address]) -> bool:
    """A macvlan NIC does not hear its host, so that detection of duplicates can't find what the host has itself."""
    wanted = step.wanted
    if not wanted or wanted.addressing != "own" or wanted.state != "started":
        return False
    return wanted.address in host_addresses


def host_has_text(wanted: Instance) -> str:
    return (
        f"address {wanted.address} is on the host itself (see `ip -6 address`), so the instance can't have it too. Take it"
        " from the host, as ipv6.services.address does with `state: absent`, or give the service another."
    )


def protected_text(found: Found) -> str:
    return (
        f"the instance {found.name} on {found.engine}, in the project {found.project}, is protected from being deleted, by"
        f" {KEY_PROTECTED}, and would have to be. Take that key away first, where it is set: in its config or a profile."
    )


def image_text(instance: Instance) -> str:
    return (
        f"image {instance.image.name} is not in the store of {instance.engine}, in the project {instance.project}."
        " Import it first, or name the server that has it as image_server."
    )
