# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells the neighbours on a LAN that an address is at another MAC address from now on (DESIGN.md, fact 17).

The kernel does so for addresses of the host, with `ndisc_notify`. An instance with a NIC of its own has a kernel's network
of its own, with nobody in it to ask: the host sends for it, through the link that its NIC is on.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from ipaddress import IPv6Address

ALL_NODES = IPv6Address("ff02::1")
ETHERTYPE, NEXT_HEADER, HOP_LIMIT = 0x86DD, 58, 255
ADVERTISEMENT, OVERRIDE, TARGET_LINK_ADDRESS = 136, 0x20000000, 2


def advertisement(address: IPv6Address, mac: str) -> bytes:
    """An Ethernet frame with an unsolicited neighbour advertisement (RFC 4861, 7.2.6), from the address to all nodes."""
    hardware = bytes.fromhex(mac.replace(":", ""))
    body = struct.pack("!L16sBB6s", OVERRIDE, address.packed, TARGET_LINK_ADDRESS, 1, hardware)
    length = 4 + len(body)
    pseudo = address.packed + ALL_NODES.packed + struct.pack("!LL", length, NEXT_HEADER)
    checksum = _checksum(pseudo + struct.pack("!BBH", ADVERTISEMENT, 0, 0) + body)
    header = struct.pack("!LHBB16s16s", 6 << 28, length, NEXT_HEADER, HOP_LIMIT, address.packed, ALL_NODES.packed)
    ethernet = b"\x33\x33\x00\x00\x00\x01" + hardware + struct.pack("!H", ETHERTYPE)
    return ethernet + header + struct.pack("!BBH", ADVERTISEMENT, 0, checksum) + body


def _checksum(data: bytes) -> int:
    """Of the Internet (RFC 1071). The length is even."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def announce(link: str, address: IPv6Address, mac: str) -> None:
    """Send it, as root. A neighbour that was not told finds out by itself, within a minute."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as packets:
        packets.bind((link, 0))
        packets.send(advertisement(address, mac))
