# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from ipaddress import IPv6Address, IPv6Network

from ansible_collections.ipv6.services.plugins.module_utils._guard_elements import Elements, Port
from ansible_collections.ipv6.services.plugins.module_utils._listeners import (
    Listener,
    parse_listeners,
    read_programs,
    report,
)

WEB = IPv6Address("2001:db8::201")
# h5$ cat /proc/net/tcp6: sshd on [::], one of its connections, a server on one address, and one on [::1];
# shortened where it is not read
TCP6 = """\
 sl local_address             remote_address            st ...
   0: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 4711 1 0
   1: B80D0120000000000000000005000100:0016 B80D012000000000000000000A000000:9A4E 01 0:0 00:0 0 0 0 4712 1 0
   2: B80D0120000000000000000001020000:0050 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 4713 1 0
   3: 00000000000000000000000001000000:0277 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 4714 1 0
"""
UDP6 = """\
  sl local_address             remote_address            st ...
  547: 00000000000000000000000000000000:0223 00000000000000000000000000000000:0000 07 0:0 00:0 0 0 0 4715 1 0
  548: 00000000000000000000000000000000:9999 B80D012000000000000000000A000000:0035 01 0:0 00:0 0 0 0 4716 1 0
"""


def test_only_what_waits_on_the_wildcard_address():
    assert parse_listeners("tcp", TCP6) == [Listener("tcp", 22, 4711)]
    assert parse_listeners("udp", UDP6) == [Listener("udp", 547, 4715)]
    assert parse_listeners("tcp", "") == []


def test_programs_by_their_sockets(tmp_path):
    for pid, name, inodes in ((1, "systemd", (7, 8)), (300, "sshd", (7,)), (40, "dnsmasq", (9,))):
        (tmp_path / str(pid) / "fd").mkdir(parents=True)
        (tmp_path / str(pid) / "comm").write_text(f"{name}\n")
        for number, inode in enumerate(inodes):
            os.symlink(f"socket:[{inode}]", tmp_path / str(pid) / "fd" / str(number))
        os.symlink("/dev/null", tmp_path / str(pid) / "fd" / "9")
    (tmp_path / "500").mkdir()  # one that is ending
    assert read_programs({7, 8, 9, 10}, str(tmp_path)) == {7: "sshd", 8: "systemd", 9: "dnsmasq"}


def test_report():
    elements = Elements(
        frozenset([IPv6Network(WEB)]), frozenset([Port(WEB, "tcp", 20, 25)]), frozenset([Port(WEB, "udp", 22, 22)])
    )
    listeners = [Listener("udp", 547, 3), Listener("tcp", 22, 1), Listener("tcp", 22, 2)]
    assert report(listeners, {2: "sshd"}, elements) == [
        {"protocol": "tcp", "port": 22, "program": "sshd", "published_on": ["2001:db8::201"]},
        {"protocol": "udp", "port": 547, "program": None, "published_on": []},
    ]
