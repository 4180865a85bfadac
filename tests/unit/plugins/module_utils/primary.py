# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real little primary name server in a thread, by TCP on ::1: some zones, signed answers, and updates that are recorded."""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
import typing as t

import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.tsig

from ansible_collections.ipv6.services.plugins.module_utils._dns_key import Key

KEY = Key("lab", "hmac-sha256", bytes(range(32)))


def keyring(key: Key) -> dict:
    name = dns.name.from_text(key.name)
    return {name: dns.tsig.Key(name, key.secret, key.algorithm)}


class Primary:
    """A context manager.

    zones: zone -> lines `NAME TTL TYPE DATA`, names in full. They are not changed by updates.
    code: what an update is answered with; or a function of the message that gives it.
    """

    def __init__(self, zones: dict[str, list[str]], **behaviour: t.Any) -> None:
        self.zones = {dns.name.from_text(zone): [self.record(line) for line in lines] for zone, lines in zones.items()}
        self.key: Key | None = behaviour.get("key", KEY)
        self.code = behaviour.get("code", dns.rcode.NOERROR)
        self.transfers = behaviour.get("transfers", True)
        self.signs = behaviour.get("signs", True)
        self.answers_a_connection = behaviour.get("answers_a_connection", 1 << 30)
        self.silent = behaviour.get("silent", False)
        self.clock = behaviour.get("clock", 0)
        self.asked: list[str] = []
        self.updates: list[t.Any] = []

    @staticmethod
    def record(line: str) -> dns.rrset.RRset:
        name, ttl, kind, data = line.split(" ", 3)
        return dns.rrset.from_text(dns.name.from_text(name), int(ttl), "IN", kind, data)

    def __enter__(self) -> Primary:
        primary = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                primary.serve(self.request)

        class Server(socketserver.ThreadingTCPServer):
            address_family = socket.AF_INET6
            daemon_threads = True
            allow_reuse_address = True

        self.server = Server(("::1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def serve(self, connection: t.Any) -> None:
        for _answer in range(self.answers_a_connection):
            head = connection.recv(2)
            if len(head) < 2:
                return
            wire = b""
            while len(wire) < struct.unpack("!H", head)[0]:
                wire += connection.recv(struct.unpack("!H", head)[0] - len(wire))
            if self.silent:
                continue
            for answer in self.answers(wire):
                connection.sendall(struct.pack("!H", len(answer)) + answer)

    def answers(self, wire: bytes) -> list[bytes]:
        query = dns.message.from_wire(wire, keyring=keyring(self.key) if self.key else None)
        response = dns.message.make_response(query)
        if not self.signs:
            response.tsig = None
        response.flags |= dns.flags.AA
        if query.opcode() == dns.opcode.UPDATE:
            self.updates.append(query)
            response = dns.message.make_response(query)
            response.set_rcode(self.code(query) if callable(self.code) else self.code)
        else:
            self.answer(query, response)
        return [response.to_wire(max_size=65535)]

    def answer(self, query: t.Any, response: t.Any) -> None:
        name, kind = query.question[0].name, query.question[0].rdtype
        self.asked.append(f"{name.to_text(True)} {dns.rdatatype.to_text(kind)}")
        zone = max((z for z in self.zones if name.is_subdomain(z)), key=len, default=None)
        if zone is None or (kind == dns.rdatatype.AXFR and not self.transfers):
            response.flags &= ~dns.flags.AA
            response.set_rcode(dns.rcode.REFUSED)
            return
        records = self.zones[zone]
        soa = dns.rrset.from_text(zone, 60, "IN", "SOA", "ns. host. 1 2 3 4 5")
        if kind == dns.rdatatype.AXFR:
            response.answer += [soa, *records, soa.copy()]
            return
        cut = [r for r in records if r.rdtype == dns.rdatatype.NS and r.name != zone and name.is_subdomain(r.name)]
        if cut:
            response.flags &= ~dns.flags.AA
            response.authority += cut
            return
        found = [r for r in records if r.name == name and r.rdtype in (kind, dns.rdatatype.CNAME)]
        if not found and not any(r.name.is_subdomain(name) for r in records):
            wildcard = dns.name.from_text("*", zone)
            found = [
                dns.rrset.from_rdata_list(name, r.ttl, list(r))
                for r in records
                if r.name == wildcard and r.rdtype == kind
            ]
        if kind == dns.rdatatype.SOA and name == zone:
            found = [soa]
        response.answer += found
        if not found:
            response.authority.append(soa)
