# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of the host is seen in a container: `volumes`, `mounts`, `tmpfs` and `devices`, as an engine takes them."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.ipv6.services.plugins.module_utils._container_values import (
    OptionError,
    parse_absolute,
    parse_size,
    words,
)

_MODES = words("rw ro z Z consistent delegated cached rprivate private rshared shared rslave slave nocopy U")
_VOLUME_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+", re.ASCII)
# Suboption of a mount -> the types it is for.
_ONLY_FOR = {
    "propagation": ("bind",),
    "create_mountpoint": ("bind",),
    "non_recursive": ("bind",),
    "no_copy": ("volume",),
    "labels": ("volume",),
    "volume_driver": ("volume",),
    "volume_options": ("volume",),
    "subpath": ("volume",),
    "tmpfs_size": ("tmpfs",),
    "tmpfs_mode": ("tmpfs",),
}


def parse_volume(value: str) -> str:
    """SOURCE:TARGET[:MODES] as a bind of the engine, or TARGET alone for an anonymous volume."""
    parts = value.split(":")
    if len(parts) == 1:
        return parse_absolute(value)
    if len(parts) == 2 and set(parts[1].split(",")) <= _MODES:
        raise OptionError(
            f"{value!r} has no place in the container.", "Write it as SOURCE:TARGET:MODE, as /srv/data:/data:ro."
        )
    if len(parts) not in (2, 3):
        raise OptionError(f"{value!r} is no volume.", "Write it as SOURCE:TARGET[:MODE], as /srv/data:/data:ro.")
    source, target = parts[0], parse_absolute(parts[1])
    _check_source(value, source)
    modes = parts[2].split(",") if len(parts) == 3 else ["rw"]
    unknown = sorted(set(modes) - _MODES)
    if unknown:
        raise OptionError(f"{value!r} has the unknown mode {unknown[0]!r}.", f"Modes are {', '.join(sorted(_MODES))}.")
    return f"{source}:{target}:{','.join(modes)}"


def volume_target(bind: str) -> str:
    """The path in the container, of what parse_volume returned."""
    return bind if ":" not in bind else bind.split(":")[1]


def _check_source(value: str, source: str) -> None:
    if source.startswith((".", "~")):
        raise OptionError(
            f"{value!r} begins with a relative path, which depends on who runs the play.",
            "Write the path from the root, as /srv/data.",
        )
    if source.startswith("/"):
        parse_absolute(source)
    elif not _VOLUME_NAME.fullmatch(source):
        raise OptionError(
            f"{value!r} begins neither with a path nor with a volume's name.", "Write /srv/data:/data, or data:/data."
        )


def parse_mount(value: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """One of `mounts`, validated by its argument spec, as the engine's Mount object."""
    kind, target, source = value["type"], parse_absolute(value["target"]), value.get("source")
    for option, kinds in _ONLY_FOR.items():
        if value.get(option) is not None and kind not in kinds:
            raise OptionError(
                f"{option} of the mount {target} is for the type {kinds[0]}.", "Leave it out, or change the type."
            )
    if kind == "bind":
        parse_absolute(source or "")
    elif kind == "volume" and source and not _VOLUME_NAME.fullmatch(source):
        raise OptionError(
            f"{source!r} of the mount {target} is no volume's name.", "For a path of the host give it `type: bind`."
        )
    elif kind == "tmpfs" and source:
        raise OptionError(f"The mount {target} is a tmpfs, which has no source.", "Leave `source` out.")
    mount = {
        "Type": kind,
        "Target": target,
        "Source": source,
        "ReadOnly": value.get("read_only"),
        "Consistency": value.get("consistency"),
    }
    special = {"bind": _bind, "volume": _volume, "tmpfs": _tmpfs}[kind](value)
    return {name: v for name, v in {**mount, **special}.items() if v not in (None, {})}


def _given(options: t.Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in options.items() if value is not None}


def _bind(value: t.Mapping[str, t.Any]) -> dict[str, object]:
    names = {"Propagation": "propagation", "CreateMountpoint": "create_mountpoint", "NonRecursive": "non_recursive"}
    return {"BindOptions": _given({name: value.get(option) for name, option in names.items()})}


def _volume(value: t.Mapping[str, t.Any]) -> dict[str, object]:
    if value.get("volume_options") and not value.get("volume_driver"):
        raise OptionError(
            f"volume_options of the mount {value['target']} need a volume_driver.", "Name the driver, as local."
        )
    driver = value.get("volume_driver")
    options = {
        "NoCopy": value.get("no_copy"),
        "Subpath": value.get("subpath"),
        "Labels": _texts(value.get("labels")),
        "DriverConfig": {"Name": driver, "Options": _texts(value.get("volume_options")) or {}} if driver else None,
    }
    return {"VolumeOptions": _given(options)}


def _texts(values: t.Mapping[str, object] | None) -> dict[str, str] | None:
    return (
        None
        if values is None
        else {str(k): str(v).lower() if isinstance(v, bool) else str(v) for k, v in values.items()}
    )


def _tmpfs(value: t.Mapping[str, t.Any]) -> dict[str, object]:
    size, mode = value.get("tmpfs_size"), value.get("tmpfs_mode")
    if mode is not None and not re.fullmatch(r"(?:0o)?[0-7]{3,5}", mode, re.ASCII):
        raise OptionError(
            f"tmpfs_mode {mode!r} of the mount {value['target']} is no octal mode.", 'Write it in quotes, as "1777".'
        )
    return {
        "TmpfsOptions": _given(
            {
                "SizeBytes": None if size is None else parse_size(size),
                "Mode": None if mode is None else int(mode, 8),
            }
        )
    }


def parse_tmpfs(value: str) -> tuple[str, str]:
    """PATH[:OPTIONS] as the path and its mount options."""
    path, colon, options = value.partition(":")
    if colon and not re.fullmatch(r"[\w=.,%-]+", options, re.ASCII):
        raise OptionError(f"{value!r} has no mount options behind its colon.", "Write it as /run:size=64m,mode=1777.")
    return parse_absolute(path), options


def parse_device(value: str) -> dict[str, str]:
    """HOST_PATH[:CONTAINER_PATH[:PERMISSIONS]] as the engine's device object."""
    parts = value.split(":")
    if len(parts) == 2 and not parts[1].startswith("/"):
        parts.insert(1, parts[0])
    paths, permissions = [parse_absolute(part) for part in parts[:2]], parts[2] if len(parts) == 3 else "rwm"
    if len(parts) > 3 or not re.fullmatch(r"r?w?m?", permissions) or not permissions:
        raise OptionError(f"{value!r} is no device.", "Write it as /dev/net/tun:/dev/net/tun:rwm.")
    return {"PathOnHost": paths[0], "PathInContainer": paths[-1], "CgroupPermissions": permissions}
