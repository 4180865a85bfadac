# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text of single container options to what an engine takes, with an error for everything that can't be one.

Each function takes one value as it came from the inventory, and raises OptionError. None needs the host, so the plan
on the controller refuses what the module would refuse.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
import typing as t

from ansible_collections.ipv6.services.plugins.module_utils._addresses import RequestError


class OptionError(RequestError):
    """A value of an option that can't be meant: what is wrong, and the mend, each a sentence."""

    def __init__(self, problem: str, mend: str) -> None:
        super().__init__(f"{problem} {mend}")
        self.problem = problem
        self.mend = mend


def from_request_error(error: RequestError) -> OptionError:
    """The same error with its last sentence as the mend: all of them end with it."""
    if isinstance(error, OptionError):
        return error
    problem, dot, mend = str(error).rpartition(". ")
    return OptionError(problem + ".", mend) if dot else OptionError(str(error), "Correct it.")


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Text made of a YAML boolean or null by the type `str` of the argument spec.
_NOT_MEANT = ("True", "False", "None")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII | re.IGNORECASE)


def parse_service_name(value: object) -> str:
    """A service name as written: DNS labels of letters, digits and inner hyphens, with or without a domain."""
    if not isinstance(value, str) or value in _NOT_MEANT:
        raise OptionError(f"{value!r} is no name.", "Put the name in quotes, so that YAML reads it as text.")
    if not value.isascii():
        raise OptionError(f"{value!r} is not ASCII.", _idna(value))
    if len(value) > 253:
        raise OptionError(f"The name has {len(value)} characters.", "A DNS name has at most 253.")
    for label in value.split("."):
        if len(label) > 63:
            raise OptionError(f"{label!r} in the name has {len(label)} characters.", "A DNS label has at most 63.")
        if not _LABEL.fullmatch(label):
            raise OptionError(
                f"{value!r} is no DNS name: {label!r} is no label.",
                "Write letters, digits and inner hyphens, as web1 or web1.example.com.",
            )
    return value


def _idna(value: str) -> str:
    try:
        return f"Write it in its ASCII form: {value.encode('idna').decode('ascii')}."
    except UnicodeError:
        return "Write letters a to z, digits and inner hyphens."


def parse_hostname(value: str) -> str:
    if value in _NOT_MEANT or len(value) > 64 or not all(_LABEL.fullmatch(part) for part in value.split(".")):
        raise OptionError(f"{value!r} is no host name.", "Write letters, digits and inner hyphens, at most 64 in all.")
    return value


_UNITS = {unit: 1024**power for power, unit in enumerate("BKMGTP")}
_SIZE = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)?) ?(?P<unit>[BKMGTP]?)(?:I?B)?", re.ASCII)


def parse_size(value: str, least: int = 1) -> int:
    """Bytes of NUMBER[UNIT]; units are B, K, M, G, T, P, each 1024 of the one before, in either case."""
    match = _SIZE.fullmatch(str(value).upper())
    if not match:
        raise OptionError(f"{value!r} is no size.", "Write a number and one of B, K, M, G, T, P, as 512M.")
    size = int(float(match["number"]) * _UNITS[match["unit"] or "B"])
    if size < least:
        raise OptionError(f"{value!r} is {size} bytes, too small.", f"Give at least {least} bytes.")
    return size


# Docker refuses less; it is the memory that an empty container needs.
LEAST_MEMORY = 6 * 1024**2


def parse_memory(value: str) -> int:
    """A memory limit in bytes; 0 is no limit."""
    return 0 if str(value) == "0" else parse_size(value, LEAST_MEMORY)


def parse_memory_swap(value: str) -> int:
    """Memory and swap in bytes; -1 is no limit."""
    return -1 if str(value) in ("unlimited", "-1") else parse_memory(value)


_DURATION = re.compile(
    r"(?:(?P<h>\d+)h)?(?:(?P<m>\d+)m)?(?:(?P<s>\d+)s)?(?:(?P<ms>\d+)ms)?(?:(?P<us>\d+)us)?", re.ASCII
)
_NANOSECONDS = {"h": 3600 * 10**9, "m": 60 * 10**9, "s": 10**9, "ms": 10**6, "us": 10**3}


def parse_duration(value: str) -> int:
    """Nanoseconds of a duration such as 1m30s; units are h, m, s, ms and us, in this order."""
    match = _DURATION.fullmatch(value)
    if not value or not match:
        raise OptionError(f"{value!r} is no duration.", "Write it with units, as 30s or 1m30s.")
    total = sum(int(count) * _NANOSECONDS[unit] for unit, count in match.groupdict().items() if count)
    if 0 < total < 10**6:
        raise OptionError(f"{value!r} is too short.", "Engines take 1ms at least.")
    return total


_DOMAIN = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_IMAGE = re.compile(
    rf"(?:(?P<registry>{_DOMAIN}(?:\.{_DOMAIN})*(?::[0-9]+)?|\[[a-fA-F0-9:]+\](?::[0-9]+)?)/)?"
    r"(?P<path>[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*)"
    r"(?::(?P<tag>[\w][\w.-]{0,127}))?(?:@(?P<digest>sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128}))?",
    re.ASCII,
)
_IMAGE_ID = re.compile(r"(?:sha256:)?[a-f0-9]{64}", re.ASCII)


def parse_image(value: str) -> str:
    """An image as [REGISTRY/]PATH[:TAG][@DIGEST], or an image id, as written."""
    if _IMAGE_ID.fullmatch(value):
        return value
    match = None if value in _NOT_MEANT else _IMAGE.fullmatch(value)
    if match:
        return value
    name = value.partition("@")[0]
    if value not in _NOT_MEANT and name != name.lower() and _IMAGE.fullmatch(value.replace(name, name.lower(), 1)):
        raise OptionError(f"{value!r} has capital letters in its path.", "Image names are written in lower case.")
    raise OptionError(
        f"{value!r} is no image.", "Write it as registry.example.com/team/app:1.2, or with @sha256:DIGEST."
    )


def is_image_id(image: str) -> bool:
    return bool(_IMAGE_ID.fullmatch(image))


def split_image(image: str) -> tuple[str, str]:
    """What a pull is asked for: the repository, and the digest if there is one, else the tag, else `latest`."""
    name, at, digest = image.partition("@")
    colon = name.rfind(":")
    tag = ""
    if colon > name.rfind("/"):
        name, tag = name[:colon], name[colon + 1 :]
    return name, digest if at else (tag or "latest")


CAPABILITIES = words(
    "ALL AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE DAC_READ_SEARCH"
    " FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN"
    " NET_BIND_SERVICE NET_BROADCAST NET_RAW PERFMON SETFCAP SETGID SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT"
    " SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG WAKE_ALARM"
)


def parse_capability(value: str) -> str:
    """A capability without its CAP_, in capital letters."""
    name = value.upper()
    name = name[4:] if name.startswith("CAP_") else name
    if name not in CAPABILITIES:
        raise OptionError(f"{value!r} is no capability.", _nearest(name, CAPABILITIES, "See capabilities(7)."))
    return name


_SIGNALS = words(
    "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG"
    " XCPU XFSZ VTALRM PROF WINCH IO PWR SYS"
)
_REALTIME = re.compile(r"RTM(?:IN(?:\+[0-9]+)?|AX(?:-[0-9]+)?)", re.ASCII)


def parse_signal(value: str) -> str:
    """A signal as SIGNAME, or its number from 1 to 64."""
    if value.isascii() and value.isdigit() and 1 <= int(value) <= 64:
        return str(int(value))
    name = value.upper()
    name = name[3:] if name.startswith("SIG") else name
    if name not in _SIGNALS and not _REALTIME.fullmatch(name):
        raise OptionError(f"{value!r} is no signal.", _nearest(name, _SIGNALS, "Write it as SIGTERM."))
    return f"SIG{name}"


_ULIMITS = words("as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack")


def parse_ulimit(value: str) -> dict[str, t.Any]:
    """NAME:SOFT[:HARD] as an engine takes it; `unlimited` is -1."""
    name, *limits = value.split(":")
    if name not in _ULIMITS:
        raise OptionError(f"{value!r} names no limit.", _nearest(name, _ULIMITS, "See getrlimit(2)."))
    try:
        numbers = [-1 if limit == "unlimited" else int(limit) for limit in limits]
    except ValueError:
        numbers = []
    if len(numbers) not in (1, 2) or min(numbers) < -1:
        raise OptionError(f"{value!r} has no limit that is a number.", f"Write it as {name}:1024:2048.")
    soft, hard = numbers[0], numbers[-1]
    if hard != -1 and (soft == -1 or soft > hard):
        raise OptionError(f"{value!r} has a soft limit above the hard one.", f"Write it as {name}:SOFT:HARD.")
    return {"Name": name, "Soft": soft, "Hard": hard}


# What has a value of its own in each container; anything else would be set for the whole host.
_SYSCTL = re.compile(r"(?:net\.[\w.*/-]+|fs\.mqueue\.\w+|kernel\.(?:msg\w+|sem|shm\w+))", re.ASCII)


def parse_sysctl_name(value: str) -> str:
    if not _SYSCTL.fullmatch(value):
        raise OptionError(
            f"{value!r} is no sysctl that a container has for itself.",
            "Those are net.*, fs.mqueue.*, kernel.msg*, kernel.sem and kernel.shm*; set others on the host.",
        )
    return value


_ENV_NAME = re.compile(r"[^\s=\x00-\x1f\x7f]+")


def parse_env_name(value: object) -> str:
    if not isinstance(value, str) or not _ENV_NAME.fullmatch(value):
        raise OptionError(f"{value!r} is no name of a variable.", "Write a name without spaces and '='.")
    return value


def parse_env_file(text: str) -> dict[str, str]:
    """NAME=VALUE lines, as docker_container reads them: no quoting; empty lines and those with # in front are skipped.

    Raises ValueError, which names the line by its number only.
    """
    env = {}
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("#") or not line.strip():
            continue
        name, equals, value = line.strip().partition("=")
        if not equals or not name:
            raise ValueError(f"line {number} is no NAME=VALUE")
        env[name] = value
    return env


def parse_user(value: str) -> str:
    if value in _NOT_MEANT or not re.fullmatch(r"[\w.][\w.-]*\$?(?::[\w.][\w.-]*\$?)?", value, re.ASCII):
        raise OptionError(f"{value!r} is no user.", 'Write USER or USER:GROUP, names or numbers, as "1000:1000".')
    return value


# As adduser and useradd take it.
_HOST_USER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,30}\$?", re.ASCII)


def parse_host_user(value: str) -> str:
    """The name of a user of the host."""
    if value in _NOT_MEANT or not _HOST_USER.fullmatch(value):
        raise OptionError(
            f"{value!r} is no user of a host.", "Write a user's name, as app, or root for rootful Podman."
        )
    return value


def parse_absolute(value: str) -> str:
    """A path from the root, without a colon, which separates paths in every engine's notation."""
    if not value.startswith("/") or ":" in value or "\0" in value or ".." in value.split("/"):
        raise OptionError(
            f"{value!r} is no absolute path.", "Write it from the root, as /srv/data, without '..' and ':'."
        )
    return value


def parse_ip(value: object) -> str:
    """An IPv4 or IPv6 address in its usual spelling."""
    try:
        return str(ipaddress.ip_address(value if isinstance(value, str) else ""))
    except ValueError:
        raise OptionError(f"{value!r} is no IP address.", "Write it as 2001:db8::53, in quotes.") from None


def parse_domain(value: str) -> str:
    if value != "." and not all(re.fullmatch(r"[\w-]{1,63}", part, re.ASCII) for part in value.rstrip(".").split(".")):
        raise OptionError(f"{value!r} is no domain.", "Write it as example.com.")
    return value


def parse_word(value: str) -> str:
    """Text that the engine knows more about than we do; it has no spaces in any of its meanings."""
    if not re.fullmatch(r"[^\s\x00-\x1f\x7f]+", value):
        raise OptionError(f"{value!r} is empty or has spaces.", "Leave the option out, or give it a value.")
    return value


def _nearest(word: str, known: t.Collection[str], otherwise: str) -> str:
    near = difflib.get_close_matches(word, sorted(known), 1)
    return f"Did you mean {near[0]}?" if near else otherwise
