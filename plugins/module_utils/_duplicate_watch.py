# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes a service address that another host has off this one: at boot, and whenever duplicate address detection fails later.

Left in the configuration, such an address would hold up network-online.target, and every engine with it, for two minutes at each
boot (DESIGN.md, fact 2). The other service addresses are not touched. What was done stands in the journal, and in a file that the
module ipv6.services.host_info reads.

The module ipv6.services.address of Ansible wrote this file to /etc/ipv6-services and removes it with the last service address.
The unit ipv6-services-duplicates.service runs it by itself, so it needs nothing but Python's standard library.
"""

from __future__ import annotations

import contextlib
import fcntl
import glob
import json
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
NOTES = "/etc/ipv6-services/duplicates.json"  # what was taken away, until the module has set it again or removed it
LOCK = "/run/ipv6-services.lock"  # for root only, or anyone could keep it
NETWORKD = "/run/systemd/units/invocation:systemd-networkd.service"  # is there while it runs
_KEYS = frozenset({"address", "interface", "mac", "time"})
_DAD_FAILED = 0x08  # a flag of an address, from linux/if_addr.h
_IPV6_ADDRESSES = 0x100  # RTMGRP_IPV6_IFADDR, from linux/rtnetlink.h
_SECONDS = 5.0  # for an answer of the other host: at boot the host itself may not have an address to ask from yet

Note = dict[str, t.Optional[str]]  # address, interface, mac (None when nobody answered) and time (UTC)


def parse_failed(text: str) -> list[tuple[IPv6Address, int, str]]:
    """Address, length and link of those that failed, from /proc/net/if_inet6."""
    failed = []
    for line in text.splitlines():
        digits, _index, length, _scope, flags, link = line.split()
        if int(flags, 16) & _DAD_FAILED:
            failed.append((IPv6Address(int(digits, 16)), int(length, 16), link))
    return failed


def parse_macs(text: str) -> dict[IPv6Address, str]:
    """Neighbour to its MAC address, from the output of `ip -6 neigh show dev LINK`."""
    return {IPv6Address(m.group(1)): m.group(2) for m in re.finditer(r"^(\S+) .*\blladdr (\S+)", text, re.MULTILINE)}


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


def parse_notes(text: str) -> list[Note]:
    """What was taken away so far, from the text of NOTES. What can't be read is left out."""
    try:
        notes = json.loads(text)
    except ValueError:
        return []
    return [note for note in (notes if isinstance(notes, list) else []) if _is_note(note)]


def _is_note(note: object) -> bool:
    if not isinstance(note, dict) or note.keys() != _KEYS:
        return False
    try:
        IPv6Address(note["address"])
    except ValueError:
        return False
    return all(isinstance(value, str) for key, value in note.items() if key != "mac" or value is not None)


def render_notes(notes: t.Iterable[Note]) -> str:
    """The text of NOTES, with the last note of each address; nothing when there are none."""
    last = {str(note["address"]): note for note in notes}
    return json.dumps([last[address] for address in sorted(last)], indent=1, sort_keys=True) + "\n" if last else ""


def read(path: str) -> str:
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return file.read()


def read_notes() -> list[Note]:
    return parse_notes(read(NOTES)) if os.path.exists(NOTES) else []


def replace(path: str, text: str) -> None:
    """A reader sees the old text or the new one."""
    if is_empty(text):
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)
        with contextlib.suppress(OSError):
            os.rmdir(os.path.dirname(path))
        return
    with open(f"{path}.new", "w", encoding="utf-8", errors="surrogateescape") as file:
        os.fchmod(file.fileno(), 0o644)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(f"{path}.new", path)


def find(failed: t.Iterable[tuple[IPv6Address, int, str]]) -> tuple[dict[str, str], dict[tuple[IPv6Address, str], str]]:
    """The files that have them -> their text without them; address and link of those -> the file."""
    failed = list(failed)
    texts: dict[str, str] = {}
    taken: dict[tuple[IPv6Address, str], str] = {}
    for path in sorted(path for pattern in MARKS for path in glob.glob(pattern)):
        text = read(path)
        for address, _length, link in failed:
            after = without(text, address, link)
            if after != text:
                texts[path] = text = after
                taken[address, link] = path
    return texts, taken


def run(*argv: str) -> str:
    # A program by itself, which no module's run_command is there for.
    # pylint: disable-next=ansible-bad-function
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    return done.stdout


def who_has(taken: t.Collection[tuple[IPv6Address, str]]) -> dict[IPv6Address, str]:
    """The MAC addresses that answer. Only after the addresses are off their links does the kernel ask."""
    for address, link in taken:
        run("ip", "-6", "neigh", "flush", "to", str(address), "dev", link)
    macs: dict[IPv6Address, str] = {}
    deadline = time.monotonic() + _SECONDS
    while len(macs) < len(taken) and time.monotonic() < deadline:
        for address, _link in taken:
            with contextlib.suppress(OSError), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
                sock.sendto(b"", (str(address), 9))
        for link in sorted({link for _address, link in taken}):
            found = parse_macs(run("ip", "-6", "neigh", "show", "dev", link))
            macs.update({a: found[a] for a, at in taken if at == link and a in found})
        time.sleep(0.05)
    return macs


@contextlib.contextmanager
def alone() -> t.Iterator[None]:
    """As the module does: only one changes a host's addresses at a time."""
    lock = os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def read_failed() -> list[tuple[IPv6Address, int, str]]:
    return parse_failed(read("/proc/net/if_inet6"))


def take_off(failed: t.Collection[tuple[IPv6Address, int, str]]) -> dict[tuple[IPv6Address, str], str]:
    """Address and link of every service address among them -> the file that it was in. Those of others are left alone.

    The file is last: whenever this is broken off, the next run finds there what is still to be done.
    """
    texts, taken = find(failed)
    if not taken:
        return {}
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    new: list[Note] = [{"address": str(a), "interface": link, "mac": None, "time": now} for a, link in taken]
    replace(NOTES, render_notes([*read_notes(), *new]))
    for address, length, link in failed:
        if (address, link) in taken:
            run("ip", "-6", "addr", "del", f"{address}/{length}", "dev", link)
    for path, text in texts.items():
        replace(path, text)
    if any(path.endswith(".conf") for path in texts) and os.path.lexists(NETWORKD):
        run("networkctl", "reload")
    return taken


def take_away() -> None:
    """Every service address that failed, and say so."""
    if not read_failed():
        return
    with alone():
        taken = take_off(read_failed())
    if not taken:
        return
    macs = who_has(taken)
    with alone():  # the module may have dropped notes meanwhile
        known = {str(address): mac for address, mac in macs.items()}
        notes = read_notes()
        replace(NOTES, render_notes({**note, "mac": known.get(str(note["address"]), note["mac"])} for note in notes))
    for (address, link), file in taken.items():
        say(4, message(address, link, macs.get(address), file))


def say(priority: int, text: str) -> None:
    """To the journal. priority: that of syslog."""
    sys.stdout.write(f"<{priority}>{text}\n")
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
            try:
                take_away()
            except OSError as exc:  # no room, or /etc can't be written: the next change tries again
                say(3, f"Service addresses that other hosts have could not be taken away: {exc}")
            await_change(changes)


if __name__ == "__main__":
    main()
