# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values of single instance options to what Incus and LXD take, with an error for everything that can't be one."""

from __future__ import annotations

import hashlib
import re
import typing as t

from ansible_collections.ipv6.services.plugins.module_utils._container_options import Checker
from ansible_collections.ipv6.services.plugins.module_utils._container_values import OptionError, parse_service_name

# Config keys of our own begin with it.
KEY_PREFIX = "user.ipv6.services."
# Names of our own devices begin with it.
DEVICE_PREFIX = "ipv6-services-"
USER_DATA_KEY = "cloud-init.user-data"
ENVIRONMENT = "environment."
# What cloud-init knows a format by.
USER_DATA_BEGINS = (
    "#cloud-config",
    "#!",
    "#include",
    "#cloud-boothook",
    "## template:",
    "Content-Type:",
    "MIME-Version:",
)
# Text made of a YAML boolean or null by the type `str` of the argument spec.
_NOT_MEANT = ("True", "False", "None")
_INSTANCE_MAX = 63


def instance_name(service: str) -> str:
    """The instance of a service: dots become hyphens, and one that is too long then ends with a hash of itself."""
    name = service.replace(".", "-")
    if len(name) <= _INSTANCE_MAX:
        return name
    digest = hashlib.sha256(service.lower().encode()).hexdigest()[:8]
    return f"{name[: _INSTANCE_MAX - 9].rstrip('-')}-{digest}"


def parse_instance_service(value: object) -> str:
    """A service name that an instance can have, with its dots as hyphens."""
    name = parse_service_name(value)
    if name.replace(".", "").isdigit():
        raise OptionError(f"{name!r} is a number, which no instance may have as its name.", "Put a letter in it.")
    return name


def check_name(check: Checker, name: str | None, engine: str) -> None:
    """What one of the engines refuses of a name that the other takes."""
    if name and engine == "lxd" and name[0].isdigit():
        check.add(
            "name", name, f"LXD takes no name that begins with a digit, as {name} does.", "Begin it with a letter."
        )


def check_lines(check: Checker, env: t.Mapping[str, t.Mapping[str, str]], config: t.Mapping[str, str]) -> None:
    """Variables have one line in both engines. env: by the option that has them."""
    found = [(option, name, value) for option, variables in env.items() for name, value in variables.items()]
    found += [("config", key, value) for key, value in config.items() if key.startswith(ENVIRONMENT)]
    for option, name, value in found:
        if "\n" in value:
            text = f"The value of {name} has a line break, which no variable of an instance may have."
            check.add(f"{option}.{name}", None, text, "Write it on one line, or give the instance a file by user_data.")


_WORD = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,62}", re.ASCII)


def parse_project(value: str) -> str:
    return _word(value, "project")


def parse_profile(value: str) -> str:
    return _word(value, "profile")


def _word(value: str, what: str) -> str:
    if value in _NOT_MEANT or not _WORD.fullmatch(value):
        raise OptionError(f"{value!r} is no name of a {what}.", "Write letters, digits, '-', '_' and '.'.")
    return value


_INTERFACE = re.compile(r"[^\s/:%]{1,15}", re.ASCII)


def parse_interface_name(value: str) -> str:
    if value in (".", "..", *_NOT_MEANT) or not _INTERFACE.fullmatch(value):
        raise OptionError(f"{value!r} is no name of an interface.", "Write it as `ip link` shows it, as eth0.")
    return value


_ALIAS = re.compile(r"[\w.-]+(?:/[\w.-]+)*", re.ASCII)
FINGERPRINT = re.compile(r"[a-f0-9]{12,64}", re.ASCII)


def parse_image_name(value: str) -> str:
    """An alias or a fingerprint, without the `SERVER:` that the command line has in front."""
    if value not in _NOT_MEANT and _ALIAS.fullmatch(value):
        return value
    if ":" in value and "//" not in value:
        raise OptionError(
            f"{value!r} has a remote of the command line in front.",
            f"Write image: {value.partition(':')[2] or 'debian/13'} and the URL of that server as image_server.",
        )
    raise OptionError(f"{value!r} is no image.", "Write an alias, as debian/13, or a fingerprint.")


_SERVER = re.compile(r"https://[^\s/@?#]+(?:/[^\s@?#]*)?", re.ASCII)


def parse_server(value: str) -> str:
    """URL of an image server, without the slash at its end. A user in it would be a secret in every result."""
    if not _SERVER.fullmatch(value):
        raise OptionError("It is no https URL of a server.", "Write it as https://images.linuxcontainers.org")
    return value.rstrip("/")


def parse_cpus(value: float) -> float:
    if not 0.01 <= value <= 1024:
        raise OptionError(f"{value:g} is no number of CPUs.", "Give 0.01 to 1024.")
    return value


def parse_config(check: Checker, config: t.Mapping[t.Any, object]) -> dict[str, str]:
    """Config keys of the instance. Their values may be secrets, so none is in a problem."""
    result = {}
    for key, value in config.items():
        if not isinstance(key, str) or not re.fullmatch(r"[\w./-]+", key, re.ASCII):
            check.add(
                "config", None, f"{key!r} is no key.", "Write it as the engine's manual does, as limits.processes."
            )
        elif key.startswith(KEY_PREFIX):
            check.add("config", None, f"{key} is this collection's own.", "Leave it out.")
        elif key.startswith("volatile."):
            check.add("config", None, f"{key} is the engine's own.", "Leave it out.")
        else:
            result[key] = _text(check, f"config.{key}", value)
    return result


_DEVICE = re.compile(r"[\w.-]{1,64}", re.ASCII)


def parse_devices(check: Checker, devices: t.Mapping[t.Any, object]) -> dict[str, dict[str, str]]:
    """Devices by their names, each a dictionary with its type."""
    result = {}
    for name, device in devices.items():
        if not isinstance(name, str) or not _DEVICE.fullmatch(name):
            check.add("devices", str(name), f"{name!r} is no name of a device.", "Write letters, digits, '-' and '_'.")
        elif name.startswith(DEVICE_PREFIX):
            check.add("devices", name, f"{name} is this collection's own.", "Name it otherwise.")
        elif not isinstance(device, dict) or not isinstance(device.get("type"), str):
            check.add(
                f"devices.{name}", None, "It is no dictionary with a type.", "Write it as {type: disk, path: /srv}."
            )
        else:
            result[name] = {str(k): _text(check, f"devices.{name}.{k}", v) for k, v in device.items()}
    return result


def _text(check: Checker, field: str, value: object) -> str:
    """A value as the engines take it: text, with YAML's booleans and numbers as they write them."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return str(value)
    if not isinstance(value, str) or "\0" in value:
        check.add(field, None, "It is no text.", "Put it in quotes.")
        return ""
    return value


class HasKeys(t.Protocol):
    """What of an instance becomes config keys."""

    @property
    def env(self) -> t.Mapping[str, str]:
        """Name -> value."""

    @property
    def secret_env(self) -> t.Mapping[str, str]:
        """Name -> value."""

    @property
    def user_data(self) -> str | None:
        """For cloud-init."""

    @property
    def memory(self) -> int | None:
        """Bytes."""

    @property
    def cpus(self) -> float | None:
        """How many."""


def config_keys_of(wanted: HasKeys) -> dict[str, str]:
    """Config key -> the option that sets it, of the options that are given."""
    keys = {f"{ENVIRONMENT}{name}": "env" for name in wanted.env}
    keys.update({f"{ENVIRONMENT}{name}": "secret_env" for name in wanted.secret_env})
    if wanted.user_data is not None:
        keys.update({USER_DATA_KEY: "user_data", "user.user-data": "user_data"})
    if wanted.memory is not None:
        keys["limits.memory"] = "memory"
    if wanted.cpus is not None:
        keys.update({"limits.cpu": "cpus", "limits.cpu.allowance": "cpus"})
    return keys
