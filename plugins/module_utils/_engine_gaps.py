# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that an engine's API takes and then leaves out without a word, so that this collection has to refuse them."""

from __future__ import annotations

import typing as t

# Found by creating a container with each option over the socket of Podman 5.4 and inspecting it: they were gone.
_PODMAN = ("domainname", "runtime")
_PODMAN_VOLUME = {"Subpath": "subpath", "Labels": "labels", "DriverConfig": "volume_driver", "NoCopy": "no_copy"}


def options_podman_drops(fixed: t.Mapping[str, t.Any]) -> list[str]:
    """The options among these, in their canonical form, that Podman's API leaves out."""
    dropped = [option for option in _PODMAN if option in fixed]
    if "StartInterval" in (fixed.get("healthcheck") or {}):
        dropped.append("healthcheck.start_interval")
    for mount in fixed.get("mounts") or ():
        dropped += [
            f"mounts.{name}" for key, name in _PODMAN_VOLUME.items() if key in (mount or {}).get("VolumeOptions", {})
        ]
    return sorted(set(dropped))


def options_too_new(
    fixed: t.Mapping[str, t.Any], networks: t.Sequence[t.Mapping[str, t.Any]], api: str
) -> dict[str, str]:
    """Option -> API version that it needs, of those that Docker with this API version leaves out."""
    needs: dict[str, str] = {}
    if "StartInterval" in (fixed.get("healthcheck") or {}):
        needs["healthcheck.start_interval"] = "1.44"
    if any("mac_address" in network for network in networks):
        needs["networks.mac_address"] = "1.44"
    for mount in fixed.get("mounts") or ():
        if "Subpath" in mount.get("VolumeOptions", {}):
            needs["mounts.subpath"] = "1.45"
        if "CreateMountpoint" in mount.get("BindOptions", {}):
            needs["mounts.create_mountpoint"] = "1.42"
    return {option: version for option, version in needs.items() if _numbers(api) < _numbers(version)}


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
