# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes a service address that another host has off this one: at boot, and whenever duplicate address detection fails later.

Left in the configuration, such an address would hold up network-online.target, and every engine with it, for two minutes at each
boot (DESIGN.md, fact 2). The other service addresses are not touched. What was done stands in the journal.

The module ipv6.services.address of Ansible wrote this file to /etc/ipv6-services and removes it with the last service address.
The unit ipv6-services-duplicates.service runs it by itself, so it needs nothing but Python's standard library.
"""

from __future__ import annotations

import contextlib
import fcntl
import glob
import os
import re
import socket
import subprocess
import sys
import time
import typing as t
from ipaddress import IPv6Address

MARKS = (
    "/etc/systemd/network/*.network.d/ipv6-services.conf",
    "/run/systemd/network/*.network.d/ipv6-services-runtime.conf",
    "/etc/ipv6-services/addresses-*.batch",
    "/run/ipv6-services/addresses-*.batch",
)
NETWORKD = "/run/systemd/units/invocation:systemd-networkd.service"  # is there while it runs
_DAD_FAILED = 0x08  # a flag of an address, from linux/if_addr.h
_IPV6_ADDRESSES = 0x100  # RTMGRP_IPV6_IFADDR, from linux/rtnetlink.h
_SECONDS = 5.0  # for an answer of the other host: at boot the host itself may not have an address to ask from yet


def parse_failed(text: str) -> list[tuple[IPv6Address, int, str]]:
    """Address, length and link of those that failed, from /proc/net/if_inet6."""
    failed = []
    for line in text.splitlines():
        digits, _index, length, _scope, flags, link = line.split()
        if int(flags, 16) & _DAD_FAILED:
            failed.append((IPv6Address(int(digits, 16)), int(length, 16), link))
    return failed


def parse_mac(text: str) -> str | None:
    """The MAC address in the output of `ip -6 neigh show`."""
    match = re.search(r"\blladdr (\S+)", text)
    return match and match.group(1)


def without(text: str, address: IPv6Address, link: str) -> str:
    """The text of a file of ours without an address of a link; the same when it is not in it."""
    if re.search(r"^\[Address\]$", text, re.MULTILINE):
        if not re.search(rf"^# Service addresses on {re.escape(link)}\. ", text, re.MULTILINE):
            return text
        return re.sub(
            rf"^\[Address\]\nAddress={address}/\d+\n(PreferredLifetime=0\n)?\n?", "", text, flags=re.MULTILINE
        )
    return re.sub(rf"^addr replace {address}/\d+ dev {re.escape(link)} .*\n", "", text, flags=re.MULTILINE)


def is_empty(text: str) -> bool:
    """Whether there is nothing but comments left."""
    return all(line.startswith("#") or not line.strip() for line in text.splitlines())


def message(address: IPv6Address, link: str, mac: str | None, file: str) -> str:
    return (
        f"{address} was taken off {link} and out of {file}: {mac or 'another host'} answers for it. Give the service another"
        " address, or take this one off that host and run Ansible again."
    )


def replace(path: str, text: str) -> None:
    """A reader sees the old text or the new one."""
    if is_empty(text):
        os.remove(path)
        with contextlib.suppress(OSError):
            os.rmdir(os.path.dirname(path))
        return
    with open(f"{path}.new", "w", encoding="ascii") as file:
        os.fchmod(file.fileno(), 0o644)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(f"{path}.new", path)


def forget(address: IPv6Address, link: str) -> str | None:
    """Take it out of the file that has it; the path of that."""
    found = None
    for path in sorted(path for pattern in MARKS for path in glob.glob(pattern)):
        with open(path, encoding="ascii") as file:
            before = file.read()
        after = without(before, address, link)
        if after != before:
            replace(path, after)
            found = path
    return found


def run(*argv: str) -> str:
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    return done.stdout


def who_has(taken: t.Collection[tuple[IPv6Address, str]]) -> dict[IPv6Address, str]:
    """The MAC addresses that answer. Only after the addresses are off their links does the kernel ask."""
    for address, link in taken:
        run("ip", "-6", "neigh", "flush", "to", str(address), "dev", link)
    macs: dict[IPv6Address, str] = {}
    deadline = time.monotonic() + _SECONDS
    while len(macs) < len(taken) and time.monotonic() < deadline:
        for address, link in taken:
            with contextlib.suppress(OSError), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
                sock.sendto(b"", (str(address), 9))
            mac = parse_mac(run("ip", "-6", "neigh", "show", "to", str(address), "dev", link))
            if mac:
                macs[address] = mac
        time.sleep(0.05)
    return macs


@contextlib.contextmanager
def alone() -> t.Iterator[None]:
    """As the module does: only one changes a host's addresses at a time."""
    directory = os.open("/run", os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        yield
    finally:
        os.close(directory)


def read_failed() -> list[tuple[IPv6Address, int, str]]:
    with open("/proc/net/if_inet6", encoding="ascii") as file:
        return parse_failed(file.read())


def take_away() -> None:
    """Every service address that failed. Those of others are left alone."""
    if not read_failed():
        return
    files: dict[tuple[IPv6Address, str], str] = {}
    with alone():
        for address, length, link in read_failed():
            file = forget(address, link)
            if file:
                files[address, link] = file
                run("ip", "-6", "addr", "del", f"{address}/{length}", "dev", link)
        if any(file.endswith(".conf") for file in files.values()) and os.path.lexists(NETWORKD):
            run("networkctl", "reload")
    macs = who_has(files)
    for (address, link), file in files.items():
        sys.stdout.write(f"<4>{message(address, link, macs.get(address), file)}\n")
    sys.stdout.flush()


def await_change(changes: socket.socket) -> None:
    """Until an address of the host changes; many at once count as one change."""
    with contextlib.suppress(OSError):  # when there were more than it can hold
        changes.recv(65536)
    time.sleep(0.2)
    with contextlib.suppress(OSError):
        while changes.recv(65536, socket.MSG_DONTWAIT):
            pass


def main() -> None:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as changes:
        changes.bind((0, _IPV6_ADDRESSES))
        while True:
            take_away()
            await_change(changes)


if __name__ == "__main__":
    main()
