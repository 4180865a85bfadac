# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AAAA records of many names at once, over one UDP socket a server.

dnspython reads and follows the messages; the waiting is done here, since its own resolver opens a socket for each
question.
"""

from __future__ import annotations

import asyncio
import ipaddress
import secrets
import time
import typing as t
from dataclasses import dataclass
from ipaddress import IPv6Address

from ansible_collections.ipv6.services.plugins.plugin_utils._answers import Answer

try:
    import dns.exception
    import dns.flags
    import dns.message
    import dns.name
    import dns.rcode
    import dns.rdataclass
    import dns.rdatatype
except ImportError as exc:
    MISSING: ImportError | None = exc
else:
    MISSING = None

PORT = 53
MOST_ALIASES = 8  # questions that one name may take because the answers end at an alias
ROUNDS = ((1, 6), (2, 4), (4, 0))  # share of the waiting in each of three rounds over the servers, and what is after it

# An event of a question: who sent it, and the message, or why there will be none. None: the wait is over.
Event = t.Optional[tuple["Line", t.Union["dns.message.Message", str]]]


class ResolverError(Exception):
    """Nothing can be asked at all. The text says why and the mend."""


@dataclass(frozen=True)
class Server:
    """A name server."""

    host: str  # IPv6 or IPv4 literal
    port: int = PORT

    def __str__(self) -> str:
        if self.port == PORT:
            return self.host
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_server(text: object) -> Server:
    """ADDRESS, ADDRESS:PORT (IPv4) or [ADDRESS]:PORT (IPv6) to a server.

    Raises ResolverError.
    """
    host, colon, port = str(text), "", ""
    if host.startswith("["):
        host, bracket, rest = host[1:].partition("]")
        colon, port = rest[:1], rest[1:]
        if not bracket or colon not in ("", ":"):
            raise ResolverError(f"{text!r} is no name server: write [2001:db8::53]:5353.")
    elif host.count(":") == 1:
        host, colon, port = host.partition(":")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        raise ResolverError(
            f"{text!r} is no name server: write an address, with a port if it is not 53, as 2001:db8::53,"
            " [2001:db8::53]:5353 or 192.0.2.53:5353."
        ) from None
    if colon and not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65535):
        raise ResolverError(f"{text!r} is no name server: its port is not from 1 to 65535.")
    return Server(host, int(port) if colon else PORT)


def resolve(
    names: t.Iterable[str], servers: t.Sequence[Server] = (), timeout: float = 5.0, concurrency: int = 100
) -> dict[str, Answer]:
    """The answer for each name.

    names: full names, without the last dot. Each is asked once, however often it is given.
    servers: in the order in which they are asked; empty: those of the system.
    timeout: seconds for one name, all servers, repetitions and aliases together.
    concurrency: names that are waited for at a time. A name whose first packet got no answer does not count any more.

    Raises ResolverError.
    """
    if MISSING is not None:
        raise ResolverError(
            f"Names can't be resolved: the Python library dnspython is not there for the Ansible that runs ({MISSING})."
            " Install it with 'pip install dnspython' or the package python3-dnspython on the controller,"
            " or name it in the execution environment of AWX."
        )
    wanted = list(dict.fromkeys(names))
    return asyncio.run(_Burst(servers or system_servers(), timeout, concurrency).resolve(wanted)) if wanted else {}


def system_servers() -> list[Server]:
    """The name servers of /etc/resolv.conf, in its order.

    Raises ResolverError.
    """
    import dns.resolver  # a third of dnspython's load time, for this alone

    try:
        system = dns.resolver.Resolver()
    except dns.exception.DNSException as exc:
        raise ResolverError(f"The system names no name server ({exc}). Give one in 'servers'.") from exc
    return [Server(str(host), system.port) for host in system.nameservers]


class Line(asyncio.DatagramProtocol):
    """The UDP socket to one server. The kernel lets in only what that server sends."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.transport: asyncio.DatagramTransport | None = None
        self.waiting: dict[int, Question] = {}  # id -> question
        self.silent = False  # its last question got no answer in time
        self.heard = 0.0  # when it last sent an answer, by the monotonic clock
        self.broken: str | None = None  # why nothing can be sent

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.create_datagram_endpoint(lambda: self, remote_addr=(self.server.host, self.server.port))
        except OSError as exc:
            self.broken = f"{self.server}: {exc.strerror or exc}"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = t.cast("asyncio.DatagramTransport", transport)

    def send(self, question: Question) -> None:
        """Ask, or ask again with the same id, so that a late answer to the first packet counts too."""
        identity = question.ids.get(self)
        while identity is None or self.waiting.setdefault(identity, question) is not question:
            identity = secrets.randbelow(1 << 16)
        question.ids[self] = identity
        if self.transport:
            self.transport.sendto(identity.to_bytes(2, "big") + question.wire)

    def forget(self, question: Question) -> None:
        self.waiting.pop(question.ids.get(self, -1), None)

    def datagram_received(self, data: bytes, addr: object) -> None:  # noqa: ARG002
        question = self.waiting.get(int.from_bytes(data[:2], "big"))
        message = question and read_response(data, question.name)
        if question and message:
            self.silent, self.heard = False, time.monotonic()
            question.events.put_nowait((self, message))

    def error_received(self, exc: Exception) -> None:
        """An ICMP error. It does not say which packet it is about: nobody gets an answer."""
        for question in self.waiting.values():
            question.events.put_nowait((self, f"{self.server}: {getattr(exc, 'strerror', None) or exc}"))


class Question:
    """One name that is asked for at one or several servers."""

    def __init__(self, name: dns.name.Name) -> None:
        self.name = name
        # The header without its id: recursion desired, one question. Then the name, its type and class.
        self.wire = (
            b"\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
            + (name.to_wire() or b"")
            + dns.rdatatype.AAAA.to_bytes(2, "big")
            + dns.rdataclass.IN.to_bytes(2, "big")
        )
        self.ids: dict[Line, int] = {}
        self.events: asyncio.Queue[Event] = asyncio.Queue()

    async def event(self, wait: float) -> Event:
        """The next thing that happens to it within `wait` seconds."""
        timer = asyncio.get_running_loop().call_later(wait, self.events.put_nowait, None)
        try:
            return await self.events.get()
        finally:
            timer.cancel()


class _Burst:
    """All names of one call."""

    def __init__(self, servers: t.Sequence[Server], timeout: float, concurrency: int) -> None:
        self.lines = [Line(server) for server in servers]
        self.timeout = timeout
        self.window = asyncio.Semaphore(concurrency)
        self.dead: str | None = None  # why the rest of the names is not asked at all

    async def resolve(self, names: t.Sequence[str]) -> dict[str, Answer]:
        for line in self.lines:
            await line.open()
        try:
            answers = await asyncio.gather(*(self.answer(name) for name in names))
        finally:
            for line in self.lines:
                if line.transport:
                    line.transport.abort()
        return dict(zip(names, answers))

    async def answer(self, text: str) -> Answer:
        """Ask for one name, and again for its canonical name where the answer ends at an alias."""
        await self.window.acquire()
        slot = _Slot(self.window)
        try:
            name = dns.name.from_text(text)
            deadline = time.monotonic() + self.timeout
            for _question in range(MOST_ALIASES):
                said = await self.ask(Question(name), deadline, slot)
                answer = read_answer(*said) if isinstance(said, tuple) else Answer("failed", reason=said)
                if not isinstance(answer, dns.name.Name):
                    return answer
                name = answer
            return Answer("failed", reason=f"more than {MOST_ALIASES} aliases (CNAME), or a circle of them")
        except dns.exception.DNSException as exc:
            return Answer("failed", reason=f"no name for DNS: {exc}")
        finally:
            slot.free()

    async def ask(self, question: Question, deadline: float, slot: _Slot) -> tuple[dns.message.Message, Server] | str:
        """The first answer that says yes or no, and its server; or why there is none."""
        if self.dead:
            return self.dead
        failed = {line: line.broken for line in self.lines if line.broken}
        started = time.monotonic()
        try:
            for share, later in ROUNDS:
                turn = [line for line in sorted(self.lines, key=lambda line: line.silent) if line not in failed]
                for position, line in enumerate(turn):
                    if line in failed:
                        continue
                    shares = share * (len(turn) - position) + later * len(turn)
                    line.send(question)
                    event = await question.event((deadline - time.monotonic()) * share / shares)
                    if event is None:
                        line.silent = line.heard < started
                        slot.free()
                        continue
                    sender, said = event
                    said = await self.complete(said, sender.server, question.name, deadline)
                    if not isinstance(said, str):
                        return said, sender.server
                    failed[sender] = said
        finally:
            for line in self.lines:
                line.forget(question)
        return self.failure(failed, started)

    async def complete(
        self, said: dns.message.Message | str, server: Server, name: dns.name.Name, deadline: float
    ) -> dns.message.Message | str:
        """A message that says yes or no: by TCP where UDP had no room for it; or why this server gives none."""
        if not isinstance(said, str) and said.flags & dns.flags.TC:
            said = await ask_by_tcp(server, name, max(deadline - time.monotonic(), 0.001))
        return said if isinstance(said, str) else (refusal(said, server) or said)

    def failure(self, failed: t.Mapping[Line, str | None], started: float) -> str:
        reasons = [text for line in self.lines if (text := failed.get(line))]
        silent = [str(line.server) for line in self.lines if line not in failed]
        if silent:
            reasons.append(f"no answer from {', '.join(silent)} within {self.timeout:g} s")
        reason = "; ".join(reasons)
        # When nobody has said anything to anyone all that time, a thousand more names would only wait as long again.
        if silent and all(line.heard < started for line in self.lines):
            self.dead = reason
        return reason


class _Slot:
    """One place of the window, given back once."""

    def __init__(self, window: asyncio.Semaphore) -> None:
        self.window: asyncio.Semaphore | None = window

    def free(self) -> None:
        if self.window:
            self.window.release()
            self.window = None


async def ask_by_tcp(server: Server, name: dns.name.Name, timeout: float) -> dns.message.Message | str:
    import dns.asyncquery  # needed seldom, and slow to load

    query = dns.message.make_query(name, dns.rdatatype.AAAA)
    try:
        return await dns.asyncquery.tcp(query, server.host, timeout, server.port)
    except dns.exception.Timeout:
        return f"{server}: the answer is too long for UDP, and none came by TCP within the time that was left"
    except (OSError, EOFError, dns.exception.DNSException) as exc:
        return f"{server}: the answer is too long for UDP, and by TCP there is none ({exc or type(exc).__name__})"


def read_response(data: bytes, name: dns.name.Name) -> dns.message.Message | None:
    """The message, if it is a response to the AAAA question for `name`. Anything else may be forged: passed over."""
    truncated = len(data) > 2 and bool(data[2] & 2)
    try:
        message = dns.message.from_wire(data, question_only=truncated, ignore_trailing=True)
    except (dns.exception.DNSException, ValueError):
        return None
    if not message.flags & dns.flags.QR or message.opcode() != 0:
        return None
    if not message.question and message.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        return message  # some servers send their error without the question
    asked = [(q.name, q.rdtype, q.rdclass) for q in message.question]
    return message if asked == [(name, dns.rdatatype.AAAA, dns.rdataclass.IN)] else None


def refusal(message: dns.message.Message, server: Server) -> str | None:
    """Why the message says neither yes nor no, so that another server may know better."""
    code = message.rcode()
    if code not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        return f"{server}: {dns.rcode.to_text(code)}"
    lost = code == dns.rcode.NOERROR and not message.answer and not message.flags & dns.flags.AA
    if lost and any(rrset.rdtype == dns.rdatatype.NS for rrset in message.authority):
        return f"{server}: it names other servers instead of asking them; it is no resolver for this name"
    return None


def read_answer(message: dns.message.Message, server: Server) -> Answer | dns.name.Name:
    """What the message says of the name; or the canonical name, where it ends at an alias and says no more."""
    try:
        chain = t.cast("dns.message.QueryMessage", message).resolve_chaining()
    except dns.message.ChainTooLong:
        return Answer("failed", reason=f"{server}: the chain of aliases (CNAME) is too long, or a circle")
    except dns.exception.DNSException as exc:
        return Answer("failed", reason=f"{server}: {exc}")
    alias = f", an alias (CNAME) of {chain.canonical_name.to_text(True)}" if chain.cnames else ""
    if message.rcode() == dns.rcode.NXDOMAIN:
        return Answer("nxdomain", reason=f"{server}: NXDOMAIN, the name does not exist{alias}")
    if chain.answer:
        return Answer("found", tuple(sorted({IPv6Address(record.address) for record in chain.answer})))
    if chain.cnames:
        return chain.canonical_name
    return Answer("nodata", reason=f"{server}: NODATA, the name exists, and has no AAAA record")
