# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that an engine's API leaves out without a word, or knows in another form only, so that this collection refuses them."""

from __future__ import annotations

import json
import typing as t

# Found by creating a container with each option over the socket of Podman 5.4 and inspecting it: they were gone.
_PODMAN = ("domainname", "runtime")
_PODMAN_VOLUME = {"Subpath": "subpath", "Labels": "labels", "DriverConfig": "volume_driver", "NoCopy": "no_copy"}


def options_podman_drops(fixed: t.Mapping[str, t.Any], limits: t.Mapping[str, t.Any]) -> list[str]:
    """The options among these, in their canonical form, that Podman's API leaves out."""
    dropped = [option for option in _PODMAN if option in fixed]
    if "StartInterval" in (fixed.get("healthcheck") or {}):
        dropped.append("healthcheck.start_interval")
    for mount in fixed.get("mounts") or ():
        dropped += [
            f"mounts.{name}" for key, name in _PODMAN_VOLUME.items() if key in (mount or {}).get("VolumeOptions", {})
        ]
    if limits.get("memory_swap") == -1:  # it takes no number below 1
        dropped.append("memory_swap")
    return sorted(set(dropped))


class Refusal(t.NamedTuple):
    """A security option that an engine does not take: what is wrong, and the mend."""

    option: str
    problem: str
    mend: str


# Found as above, with Docker 26.1 and Podman 5.4: Docker decodes what stands behind `seccomp=`, Podman opens it.
_ONLY_PODMAN = ("mask", "unmask", "systempaths", "proc-opts")


def security_refusals(engine: str, options: t.Iterable[str]) -> list[Refusal]:
    """Those of these security options, in their canonical form, that the engine would take for something else, or not know."""
    refuse = _podman_refusal if engine == "podman" else _docker_refusal
    return [refusal for option in options for refusal in [refuse(option)] if refusal]


def _podman_refusal(option: str) -> Refusal | None:
    name, _equals, value = option.partition("=")
    if name == "seccomp" and is_json(value):
        return Refusal(
            option,
            "Podman's API takes the path of a seccomp profile, not the profile.",
            "Put the profile on the host, and write seccomp=/PATH.",
        )
    if option == "seccomp=builtin":
        return Refusal(option, "Podman takes it for a path.", "Leave it out: it is what Podman does without it.")
    return None


def _docker_refusal(option: str) -> Refusal | None:
    name, _equals, value = option.partition("=")
    if name == "seccomp" and value.startswith("/"):
        return Refusal(
            option,
            "Docker's API takes a seccomp profile itself, not its path.",
            "Give the profile: seccomp={{ lookup('file', PATH) }}.",
        )
    if name in _ONLY_PODMAN:
        return Refusal(option, "Docker's API does not know it.", "Leave it out, or give the service `engine: podman`.")
    return None


def is_json(text: str) -> bool:
    """Whether it is a JSON object."""
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


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
