# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real little name server in a thread, over UDP and TCP on one port of ::1, whose answers a test decides."""

from __future__ import annotations

import asyncio
import threading
import time
import typing as t

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rrset

from ansible_collections.ipv6.services.plugins.plugin_utils._resolver import Server

# What a handler gives: a message, raw bytes, several of both, or None for silence.
Reply = t.Union[dns.message.Message, bytes, None]
Handler = t.Callable[[dns.message.Message, str], t.Union[Reply, t.Sequence[Reply]]]


def answer(query: dns.message.Message, *lines: str, rcode: int = dns.rcode.NOERROR) -> dns.message.Message:
    """A response with records, each `NAME TYPE DATA`."""
    response = dns.message.make_response(query)
    response.flags |= dns.flags.RA
    response.set_rcode(dns.rcode.Rcode.make(rcode))
    for line in lines:
        name, kind, data = line.split(" ", 2)
        rrset = dns.rrset.from_text(name, 300, "IN", kind, data)
        held = response.get_rrset(response.answer, rrset.name, rrset.rdclass, rrset.rdtype)
        if held:
            held.update(rrset)
        else:
            response.answer.append(rrset)
    return response


class NanoNameServer(threading.Thread):
    """A context manager. `handler(query, transport)` decides; `asked` has (name, transport) of what came."""

    def __init__(self, handler: Handler, delay: float = 0.0) -> None:
        super().__init__(daemon=True)
        self.handler = handler
        self.delay = delay
        self.asked: list[tuple[str, str]] = []
        self.times: list[float] = []
        self.ready = threading.Event()

    def __enter__(self) -> NanoNameServer:
        self.start()
        self.ready.wait(5)
        return self

    def __exit__(self, *exc: object) -> None:
        self.loop.call_soon_threadsafe(self.stopped.set)
        self.join(5)

    def run(self) -> None:
        asyncio.run(self.serve())

    async def serve(self) -> None:
        self.loop, self.stopped = asyncio.get_running_loop(), asyncio.Event()
        tcp = await asyncio.start_server(self.serve_tcp, "::1", 0)
        port = tcp.sockets[0].getsockname()[1]
        nanonameserver = self

        class Udp(asyncio.DatagramProtocol):
            def connection_made(self, transport):
                self.transport = transport

            def datagram_received(self, data, addr):
                for wire in nanonameserver.replies(data, "udp"):
                    nanonameserver.loop.call_later(nanonameserver.delay, self.transport.sendto, wire, addr)

        udp, _protocol = await self.loop.create_datagram_endpoint(Udp, local_addr=("::1", port))
        self.server = Server("::1", port)
        self.ready.set()
        await self.stopped.wait()
        udp.close()
        tcp.close()

    async def serve_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            length = int.from_bytes(await reader.readexactly(2), "big")
            for wire in self.replies(await reader.readexactly(length), "tcp"):
                writer.write(len(wire).to_bytes(2, "big") + wire)
            await writer.drain()
        except (OSError, EOFError):
            pass
        finally:
            writer.close()

    def replies(self, data: bytes, transport: str) -> list[bytes]:
        query = dns.message.from_wire(data)
        self.asked.append((query.question[0].name.to_text(omit_final_dot=True), transport))
        self.times.append(time.monotonic())
        said = self.handler(query, transport)
        several = said if isinstance(said, (list, tuple)) else [said]
        return [one if isinstance(one, bytes) else one.to_wire(max_size=65535) for one in several if one is not None]
