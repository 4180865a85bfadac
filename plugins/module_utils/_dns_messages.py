# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a name server refused or did not do, as sentences: what, where, why and the mend."""

from __future__ import annotations

import sys

LIBRARY = "dnspython"


def missing_library(reason: object) -> str:
    return (
        f"The Python library {LIBRARY} is not there for {sys.executable} ({reason}). Install it with"
        f" 'pip install {LIBRARY}' or the package python3-{LIBRARY} where the module runs, which with"
        " `delegate_to: localhost` is the controller; in AWX name it in the execution environment."
    )


def not_reached(server: str, reason: str) -> str:
    return (
        f"The name server {server} can't be reached by TCP: {reason}. See that it listens there, and that no firewall"
        " is between."
    )


def not_resolved(server: str, reason: str) -> str:
    return f"The name server {server} has no address: {reason}. Give its IPv6 address."


def silent(server: str, timeout: float) -> str:
    return (
        f"The name server {server} did not answer within {timeout:g} s. See to the server, or raise `timeout`."
        " What was sent may have been done: run it again, and it is seen."
    )


def garbled(server: str, reason: str) -> str:
    return f"The name server {server} answered what can't be read: {reason}. See that this is a DNS server."


def unsigned(server: str, key: str) -> str:
    return (
        f"The name server {server} did not sign its answer, though the question was signed with {key}, so it is not"
        " believed. See that nobody is between, and that the server knows TSIG."
    )


def bad_key(server: str, key: str, algorithm: str) -> str:
    return (
        f"The name server {server} does not know the key {key} with {algorithm} (BADKEY). Give it that key, under the"
        " same name and with the same algorithm, or name the one it knows. Knot says the same of a key that no acl allows"
        " the action update."
    )


def bad_signature(server: str, key: str) -> str:
    return (
        f"The secret of the key {key} is not the one that the name server {server} has (BADSIG)."
        " Give both the same secret."
    )


def bad_time(server: str, ahead: int | None) -> str:
    """ahead: seconds that the clock here is ahead of the server's, where it told."""
    clock = "differ"
    if ahead is not None:
        clock = f"differ by {abs(ahead)} s: the one here is {'ahead' if ahead > 0 else 'behind'}"
    return (
        f"The name server {server} refused the signature for its time (BADTIME). The clocks {clock}."
        " Set the clock that is wrong; 300 s are allowed."
    )


def not_authoritative(server: str, name: str, said: str) -> str:
    return (
        f"The name server {server} has no zone for {name} ({said}). Give the zone's primary server as `server`,"
        " or leave the name out."
    )


def delegated(server: str, name: str, cut: str) -> str:
    return (
        f"{name} is not in a zone of the name server {server}: {cut} is delegated to other servers."
        " Write it with a call for the primary server of that zone."
    )


def below_dname(name: str, dname: str) -> str:
    return (
        f"{name} can't have records: {dname} has a DNAME, which sends all names below it elsewhere. Use another name."
    )


def no_pointer_zone(error: str) -> str:
    return f"{error} Set `ptr: false` where the PTR records are somebody else's."


def no_transfer(zone: str, server: str, reason: str) -> str:
    return (
        f"`purge` has to see the whole zone {zone}, and the name server {server} does not transfer it: {reason}."
        " Allow the transfer to the key (BIND: allow-transfer; Knot: action transfer), or leave `purge` out."
    )


def concurrent(name: str, code: str) -> str:
    return (
        f"{name} was changed by somebody else while this ran ({code}), so nothing was written there."
        " Run it again, and it goes by what is there then."
    )


def not_updated(server: str, zone: str, key: str, code: str) -> str:
    """code: the server's answer to an update, such as REFUSED."""
    why = {
        "REFUSED": (
            f"the key {key} may not change that",
            "Allow it (BIND: allow-update or update-policy; Knot: an acl with action update; PowerDNS:"
            " TSIG-ALLOW-DNSUPDATE), and name the primary server",
        ),
        "NOTAUTH": ("it is not the primary server of the zone", "Name the primary server"),
        "NOTZONE": ("a name is not in the zone", "Leave `zones` out, or correct it"),
        "NOTIMP": ("it does no dynamic updates (RFC 2136)", "Switch them on there, or name a server that does"),
        "SERVFAIL": ("it could not", "Its log says why; often it may not write the zone's file or journal"),
        "FORMERR": ("it could not read the message", "Its log says why"),
    }
    reason, mend = why.get(code, ("it did not say why", "Its log may say more"))
    return f"The name server {server} did not update the zone {zone} ({code}): {reason}. {mend}."
