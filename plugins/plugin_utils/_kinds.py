# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two kinds of services, containers and instances: which engines run them, and which options an entry of each has."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.ipv6.services.plugins.module_utils import _container_spec, _instance_spec


@dataclass(frozen=True)
class Kind:
    """What services of one kind have in common."""

    name: str
    engines: tuple[str, ...]
    options: t.Mapping[str, t.Any]  # the argument spec of an entry
    known: t.Mapping[str, str]  # as an option may be written -> the option


# Options that are not for the module that makes the service: the guard keeps them.
GUARD_OPTIONS: dict[str, t.Any] = {"allow": {"type": "raw"}}


def _kind(name: str, engines: tuple[str, ...], options: t.Mapping[str, t.Any]) -> Kind:
    options = {**options, **GUARD_OPTIONS}
    known = {written: option for option, spec in options.items() for written in (option, *spec.get("aliases", ()))}
    return Kind(name, engines, options, known)


CONTAINER = _kind("container", _container_spec.ENGINES, _container_spec.CONTAINER_OPTIONS)
INSTANCE = _kind("instance", _instance_spec.INSTANCE_ENGINES, _instance_spec.INSTANCE_OPTIONS)
ENGINES = (*CONTAINER.engines, *INSTANCE.engines)


def kind_of(engine: str) -> Kind:
    return INSTANCE if engine in INSTANCE.engines else CONTAINER


def other_kind(kind: Kind) -> Kind:
    return CONTAINER if kind is INSTANCE else INSTANCE


def parse_options(entry: t.Mapping[str, t.Any], engine: str) -> None:
    """Raises EntryError with what the module that makes the service would refuse."""
    entry = {option: value for option, value in entry.items() if option not in GUARD_OPTIONS}
    if kind_of(engine) is INSTANCE:
        _instance_spec.parse_instance(entry, engine, address_known=False)
    else:
        _container_spec.parse_container(entry, engine, address_known=False)
