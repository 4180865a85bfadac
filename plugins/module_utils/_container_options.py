# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of one entry, group by group, into the form that the engines take, and all that is wrong with them."""

from __future__ import annotations

import re
import shlex
import typing as t
from ipaddress import IPv4Address

from ansible_collections.ipv6.services.plugins.module_utils import _container_values as values
from ansible_collections.ipv6.services.plugins.module_utils._addresses import RequestError, parse_address
from ansible_collections.ipv6.services.plugins.module_utils._container_mounts import (
    parse_device,
    parse_mount,
    parse_tmpfs,
    parse_volume,
    volume_target,
)
from ansible_collections.ipv6.services.plugins.module_utils._container_values import OptionError, from_request_error
from ansible_collections.ipv6.services.plugins.module_utils._engine_gaps import is_json

# Labels of our own begin with it.
LABEL_PREFIX = "ipv6.services."
_Entry = t.Mapping[str, t.Any]


class Checker:
    """Runs parsers, and keeps what they refuse: (field, value, problem, mend) each."""

    def __init__(self) -> None:
        self.problems: list[tuple[str, object, str, str]] = []

    def add(self, field: str, value: object, problem: str, mend: str) -> None:
        self.problems.append((field, value, problem, mend))

    def value(self, field: str, value: t.Any, parser: t.Callable[[t.Any], t.Any]) -> t.Any:
        """What the parser makes of the value; None for none, and where it refuses."""
        if value is None:
            return None
        try:
            return parser(value)
        except RequestError as exc:
            error = from_request_error(exc)
            self.add(field, value, error.problem, error.mend)
            return None

    def each(
        self, field: str, items: t.Sequence[t.Any] | None, parser: t.Callable[[t.Any], t.Any]
    ) -> list[t.Any] | None:
        """The same for each of a list; None when there is no list."""
        if items is None:
            return None
        return [self.value(f"{field}[{index}]", item, parser) for index, item in enumerate(items)]

    def raise_problems(self, error: t.Callable[[list[t.Any]], Exception], problem: t.Callable[..., t.Any]) -> None:
        if self.problems:
            raise error([problem(*p) for p in self.problems])


def parse_env(check: Checker, field: str, env: _Entry) -> dict[str, str]:
    """Names and values; a value that is no text is refused, since nobody knows how it was written."""
    for name, value in env.items():
        try:
            values.parse_env_name(name)
        except OptionError as exc:
            check.add(field, None, "A name of a variable is wrong." if field == "secret_env" else exc.problem, exc.mend)
        if not isinstance(value, str):
            check.add(
                f"{field}.{name}", None, f"The value of {name} is no text.", 'Put it in quotes, as "true" or "8080".'
            )
        elif "\0" in value:
            check.add(f"{field}.{name}", None, f"The value of {name} has a NUL character.", "Take it out.")
    return {str(name): value for name, value in env.items() if isinstance(value, str)}


def parse_networks(check: Checker, networks: t.Sequence[object]) -> tuple[_Entry, ...]:
    """Names, or dictionaries with name, aliases, ipv4_address, ipv6_address and mac_address."""
    parsed = [n for n in check.each("networks", networks, _network) or [] if n]
    names = [n["name"] for n in parsed]
    if len(set(names)) != len(names):
        check.add("networks", list(networks), "A network is in the list twice.", "Take one of them out.")
    return tuple(parsed)


_NETWORK_OPTIONS = ("name", "aliases", "ipv4_address", "ipv6_address", "mac_address")


def _network(value: object) -> _Entry:
    network: t.Mapping[str, t.Any] = (
        {"name": value} if isinstance(value, str) else value if isinstance(value, dict) else {}
    )
    unknown = sorted(set(network) - set(_NETWORK_OPTIONS), key=repr)  # YAML has keys of any type
    if unknown:
        raise OptionError(f"{unknown[0]!r} is no option of a network.", f"Options are {', '.join(_NETWORK_OPTIONS)}.")
    name = network.get("name")
    if not isinstance(name, str) or not re.fullmatch(r"[a-zA-Z0-9][\w.-]*", name, re.ASCII):
        raise OptionError(
            f"{value!r} names no network.", "Write the name of a network of the engine, or a dictionary with name."
        )
    # They have no network of their own, so nothing can be published on the service's address by the engine.
    if name in ("host", "none", "container", "default"):
        raise OptionError(f"{name!r} is no network with ports.", "Name a network with IPv6, or leave networks out.")
    result: dict[str, t.Any] = {"name": name}
    if network.get("aliases"):
        result["aliases"] = sorted(values.parse_hostname(str(alias)) for alias in _list(network["aliases"], "aliases"))
    if network.get("ipv4_address"):
        result["ipv4_address"] = _ipv4(network["ipv4_address"])
    if network.get("ipv6_address"):
        result["ipv6_address"] = str(parse_address(network["ipv6_address"]))
    if network.get("mac_address"):
        result["mac_address"] = _mac(network["mac_address"])
    return result


def _ipv4(value: object) -> str:
    try:
        return str(IPv4Address(value if isinstance(value, str) else ""))
    except ValueError:
        raise OptionError(f"{value!r} is no IPv4 address.", "Write it as 192.0.2.5, in quotes.") from None


def _mac(value: object) -> str:
    mac = str(value).lower().replace("-", ":")
    if not re.fullmatch(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}", mac):
        raise OptionError(f"{value!r} is no MAC address.", "Write it as 02:00:00:00:00:01, in quotes.")
    return mac


def _list(value: object, what: str) -> list[t.Any]:
    if not isinstance(value, list):
        raise OptionError(f"{what} is {value!r}, no list.", "Write a list.")
    return value


def parse_restart_policy(check: Checker, entry: _Entry, default: str) -> tuple[str, int]:
    """The policy and how often at most; 0 is for ever."""
    policy, retries = entry.get("restart_policy") or default, entry.get("restart_retries") or 0
    if retries and policy != "on-failure":
        check.add(
            "restart_retries",
            retries,
            f"restart_policy is {policy}, which has no limit.",
            "Give restart_policy: on-failure.",
        )
    if retries < 0:
        check.add("restart_retries", retries, "It is negative.", "Give 0 or more.")
    return policy, retries


def parse_limits(check: Checker, entry: _Entry) -> dict[str, t.Any]:
    """What an engine can change while the container runs: bytes, 1e-9 CPUs, counts."""
    parsers: dict[str, t.Callable[[t.Any], t.Any]] = {
        "memory": values.parse_memory,
        "memory_reservation": values.parse_memory,
        "memory_swap": values.parse_memory_swap,
        "cpus": _cpus,
        "cpu_shares": lambda v: _within(v, 2, 262144),
        "cpuset_cpus": _cpuset,
        "pids_limit": lambda v: -1 if v in (0, -1) else _within(v, 1, 2**22),
    }
    limits = {o: check.value(o, entry.get(o), parser) for o, parser in parsers.items()}
    given = {o: v for o, v in limits.items() if v is not None}
    memory = given.get("memory", 0)
    swap = given.get("memory_swap", -1)
    if swap != -1 and (not memory or swap < memory):
        check.add(
            "memory_swap",
            entry["memory_swap"],
            "It is memory and swap together, and less than memory.",
            "Give memory, and more here.",
        )
    if memory and given.get("memory_reservation", 0) > memory:
        check.add(
            "memory_reservation", entry["memory_reservation"], "It is more than memory.", "Give less than memory."
        )
    return given


def _cpus(value: float) -> int:
    if not 0 <= value <= 4096:
        raise OptionError(f"{value} is no number of CPUs.", "Give a number such as 1.5; 0 is no limit.")
    return round(value * 10**9)


def _within(value: int, least: int, most: int) -> int:
    if not least <= value <= most:
        raise OptionError(f"{value} is out of range.", f"Give {least} to {most}.")
    return value


def _cpuset(value: str) -> str:
    if not re.fullmatch(r"\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*", value, re.ASCII):
        raise OptionError(f"{value!r} is no list of CPUs.", 'Write it as "0-2,4".')
    return value


def parse_fixed(check: Checker, entry: _Entry) -> dict[str, t.Any]:
    """What only a new container can have: option -> canonical value, of the options that the entry has."""
    each: dict[str, t.Callable[[t.Any], t.Any]] = {
        "capabilities": values.parse_capability,
        "cap_drop": values.parse_capability,
        "devices": parse_device,
        "dns_opts": values.parse_word,
        "dns_search_domains": values.parse_domain,
        "dns_servers": values.parse_ip,
        "groups": values.parse_user,
        "mounts": parse_mount,
        "security_opts": parse_security_option,
        "ulimits": values.parse_ulimit,
        "volumes": parse_volume,
    }
    single: dict[str, t.Callable[[t.Any], t.Any]] = {
        "command": parse_command,
        "domainname": values.parse_domain,
        "entrypoint": list,
        "healthcheck": lambda v: parse_healthcheck(check, v),
        "hostname": values.parse_hostname,
        "init": bool,
        "labels": parse_labels,
        "log_driver": values.parse_word,
        "log_options": parse_texts,
        "etc_hosts": lambda v: {
            values.parse_domain(str(h)): a if a == "host-gateway" else values.parse_ip(a) for h, a in v.items()
        },
        "oom_score_adj": lambda v: _within(v, -1000, 1000),
        "privileged": bool,
        "read_only": bool,
        "runtime": values.parse_word,
        "shm_size": values.parse_size,
        "stop_signal": values.parse_signal,
        "stop_timeout": lambda v: _within(v, 0, 86400),
        "sysctls": lambda v: {values.parse_sysctl_name(str(k)): v for k, v in parse_texts(v).items()},
        "tmpfs": lambda v: dict(
            t.cast("list[tuple[str, str]]", [p for p in check.each("tmpfs", v, parse_tmpfs) or [] if p])
        ),
        "tty": bool,
        "user": values.parse_user,
        "working_dir": values.parse_absolute,
    }
    fixed = {o: check.each(o, entry.get(o), parser) for o, parser in each.items()}
    fixed.update({o: check.value(o, entry.get(o), parser) for o, parser in single.items()})
    given = {o: _sorted(o, v) for o, v in fixed.items() if v is not None}
    if given.get("log_options") and "log_driver" not in given:
        check.add("log_options", None, "They belong to a driver that is not named.", "Give log_driver, as json-file.")
    _check_targets(check, given)
    return given


# Lists whose order means nothing.
_SETS = ("capabilities", "cap_drop", "security_opts", "groups", "volumes")


def _sorted(option: str, value: t.Any) -> t.Any:
    return sorted(set(value)) if option in _SETS and None not in value else value


def _check_targets(check: Checker, fixed: _Entry) -> None:
    """Each place in the container can have one thing mounted."""
    seen: dict[str, str] = {}
    found = [(volume_target(v), "volumes") for v in fixed.get("volumes") or [] if v]
    found += [(m["Target"], "mounts") for m in fixed.get("mounts") or [] if m]
    found += [(path, "tmpfs") for path in fixed.get("tmpfs") or {}]
    for target, option in found:
        if target in seen:
            check.add(option, target, f"{target} is mounted by {seen[target]} already.", "Take one of them out.")
        seen[target] = option


def parse_command(value: object) -> list[str]:
    """The words of a command, which is a list, or text with the quoting of a shell."""
    if isinstance(value, list) and all(
        isinstance(word, (str, int, float)) and not isinstance(word, bool) for word in value
    ):
        return [str(word) for word in value]
    if not isinstance(value, str):
        raise OptionError(
            "It is neither text nor a list of words.",
            'Write it as text, or as a list with each word quoted, as ["sleep", "60"].',
        )
    try:
        return shlex.split(value)
    except ValueError as exc:
        raise OptionError(f"It can't be split into words: {exc}.", "Close the quotation, or write a list.") from None


def parse_texts(value: t.Mapping[t.Any, object]) -> dict[str, str]:
    """A dictionary of text; numbers are taken, what YAML may have changed is not."""
    for key, item in value.items():
        if not isinstance(key, str) or not key:
            raise OptionError(f"The key {key!r} is no text.", "Put it in quotes.")
        if isinstance(item, (bool, float)) or not isinstance(item, (str, int)):
            raise OptionError(f"The value of {key} is no text.", "Put it in quotes.")
    return {key: str(item) for key, item in value.items()}


def parse_labels(value: t.Mapping[t.Any, object]) -> dict[str, str]:
    labels = parse_texts(value)
    own = sorted(label for label in labels if label.startswith(LABEL_PREFIX))
    if own:
        raise OptionError(
            f"The label {own[0]} is this collection's own.", f"Name it so that it does not begin with {LABEL_PREFIX}"
        )
    return labels


_SECURITY_OPTION = re.compile(r"(?:label|apparmor|seccomp|mask|unmask|systempaths|proc-opts)[=:](?s:.+)")


def parse_security_option(value: str) -> str:
    if value in ("no-new-privileges", "no-new-privileges:true", "no-new-privileges=true"):
        return "no-new-privileges"
    if not _SECURITY_OPTION.fullmatch(value) or "\0" in value:
        raise OptionError(
            f"{value!r} is no security option.", "Write it as no-new-privileges, label=type:TYPE or seccomp=unconfined."
        )
    name, separator, rest = (
        value.replace(":", "=", 1).partition("=") if "=" not in value.split(":")[0] else value.partition("=")
    )
    if name == "seccomp" and rest not in ("unconfined", "builtin") and not rest.startswith("/") and not is_json(rest):
        raise OptionError(
            "The seccomp profile is neither JSON nor a path.",
            "Give Docker the profile itself, seccomp={{ lookup('file', PATH) }}, and Podman its path on the host.",
        )
    return f"{name}{separator}{rest}"


def parse_healthcheck(check: Checker, value: _Entry) -> _Entry | None:
    """The engine's Healthcheck object; durations are nanoseconds, and an empty Test is the image's."""
    result: dict[str, t.Any] = {"Test": _health_test(value)}
    names = {
        "Interval": "interval",
        "Timeout": "timeout",
        "StartPeriod": "start_period",
        "StartInterval": "start_interval",
    }
    for name, option in names.items():
        duration = check.value(f"healthcheck.{option}", value.get(option), values.parse_duration)
        if duration:
            result[name] = duration
    retries = value.get("retries")
    if retries is not None:
        result["Retries"] = check.value("healthcheck.retries", retries, lambda v: _within(v, 1, 1000))
    return result


def _health_test(value: _Entry) -> list[str]:
    test = value.get("test")
    if test is None and value.get("test_cli_compatible"):
        return []
    if isinstance(test, str) and test:
        return ["CMD-SHELL", test]
    if (
        not isinstance(test, list)
        or not test
        or test[0] not in ("NONE", "CMD", "CMD-SHELL")
        or len(test) < 1 + (test[0] != "NONE")
    ):
        raise OptionError("It has no test.", "Give test: a command, or a list that begins with CMD, CMD-SHELL or NONE.")
    return [str(word) for word in test]
