# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an engine is given of an instance: where it comes from, and its config and devices beside what others set."""

from __future__ import annotations

import typing as t

from ansible_collections.ipv6.services.plugins.module_utils._instance_body import Body
from ansible_collections.ipv6.services.plugins.module_utils._instance_found import KEY_NO_NAT, KEY_RESTART, Found
from ansible_collections.ipv6.services.plugins.module_utils._instance_spec import Instance
from ansible_collections.ipv6.services.plugins.module_utils._instance_values import DEVICE_PREFIX, FINGERPRINT


def source_of(wanted: Instance) -> dict[str, str]:
    """Where the engine takes the image from."""
    image = wanted.image
    source = {"type": "image", "fingerprint" if FINGERPRINT.fullmatch(image.name) else "alias": image.name}
    if image.server:
        source.update({"mode": "pull", "server": image.server, "protocol": image.protocol})
    return source


def merge(current: dict[str, t.Any], found: Found, wanted: Instance, body: Body) -> None:
    """Write a body over what an instance has; what an earlier call set and is not wanted any more goes."""
    keys, names = found.ours("config"), found.ours("devices")
    current["config"] = {**{k: v for k, v in current["config"].items() if k not in keys}, **body.config}
    current["devices"] = {**{n: d for n, d in current["devices"].items() if n not in names}, **copied(body.devices)}
    current["profiles"] = list(wanted.profiles)


def unmerge(current: dict[str, t.Any], found: Found, body: Body) -> None:
    """Give an instance back what it had of all that this collection sets; what others set meanwhile stays."""
    keys = {*body.config, *found.ours("config"), KEY_RESTART, KEY_NO_NAT}
    names = {*body.devices, *found.ours("devices")}
    current["config"] = {k: v for k, v in current["config"].items() if k not in keys}
    current["config"].update({k: v for k, v in found.config.items() if k in keys})
    current["devices"] = {n: d for n, d in current["devices"].items() if n not in names}
    current["devices"].update(copied({n: d for n, d in found.devices.items() if n in names}))
    current["profiles"] = list(found.profiles)


def attach(current: dict[str, t.Any], devices: t.Mapping[str, t.Mapping[str, str]]) -> None:
    """Give an instance the proxy devices of ours again that it gave up."""
    current["devices"].update(copied({n: d for n, d in devices.items() if n.startswith(DEVICE_PREFIX)}))


def copied(devices: t.Mapping[str, t.Mapping[str, str]]) -> dict[str, dict[str, str]]:
    return {name: dict(device) for name, device in devices.items()}
