# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One name server, by TCP: signed questions, many at once, zone transfers, and updates.

Everything goes over one connection. Questions are signed as well, since a server may show each key another view.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import time
import typing as t

from ansible_collections.ipv6.services.plugins.module_utils import _dns_messages as messages
from ansible_collections.ipv6.services.plugins.module_utils._dns_answer import Message, Record, read_message
from ansible_collections.ipv6.services.plugins.module_utils._dns_key import Key
from ansible_collections.ipv6.services.plugins.module_utils._dns_wire import IN, NUMBERS, name_wire

try:
    import dns.exception
    import dns.name
    import dns.rdata
    import dns.rdataclass
    import dns.rdatatype
    import dns.rdtypes.ANY.TSIG
    import dns.tsig
except ImportError as exc:
    MISSING: ImportError | None = exc
else:
    MISSING = None

WINDOW = 100  # questions under way at once; more only fills buffers
FUDGE = 300  # seconds that the clocks may differ
PIECE = 1 << 16
RETRIES = 3  # connections that may end without any answer before the server counts as down

Question = tuple[str, str]  # name and type


class DnsError(Exception):
    """Nothing can be had from the server. The text says what, where, why and the mend."""


class BadKeyError(DnsError):
    """The server does not know the key, or, as Knot says it, does not allow it what was asked."""


class NoTransferError(Exception):
    """The server does not transfer the zone, or it is too large. The text is the reason, a part of a sentence."""


class Server:
    """A connection that is made when it is needed, and again when the server has closed it."""

    def __init__(self, host: str, port: int, key: Key | None, timeout: float) -> None:
        """key: None signs nothing. timeout: seconds that the server may be silent."""
        self.host, self.port, self.key, self.timeout = host, port, key, timeout
        self.socket: socket.socket | None = None
        self.buffer = b""
        self.signs_questions = key is not None
        self.keyring: dict[dns.name.Name, dns.tsig.Key] | None = None
        if key is not None:
            name = dns.name.from_text(key.name)
            self.keyring = {name: dns.tsig.Key(name, key.secret, key.algorithm)}

    def __str__(self) -> str:
        if self.port == 53:
            return self.host
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def close(self) -> None:
        if self.socket is not None:
            self.socket.close()
        self.socket, self.buffer = None, b""

    def ask(self, questions: t.Iterable[Question]) -> dict[Question, Message]:
        """The answers, whatever they say. Raises DnsError."""
        waiting = list(dict.fromkeys(questions))
        answers: dict[Question, Message] = {}
        idle, size = 0, len(waiting)
        while waiting:
            before = len(answers)
            try:
                self._ask(waiting[:size], answers)
            except (EOFError, ConnectionError) as exc:
                # Servers close connections after some time, or after so many questions. What one has answered is lost where
                # it closes with questions unread: then one at a time.
                size = size if len(answers) > before else 1
                if idle == RETRIES:
                    raise DnsError(messages.not_reached(str(self), str(exc) or "it closes the connection")) from None
            idle = 0 if len(answers) > before else idle + 1
            waiting = [question for question in waiting if question not in answers]
        return answers

    def transfer(self, zone: str, most: int) -> t.Iterator[list[Record]]:
        """The records of the zone, a message at a time; its SOA first and last.

        most: records that are read before it counts as too large.

        Raises NoTransferError and DnsError.
        """
        self.close()  # what is left of a transfer that was broken off would be in the way
        query, mac = self._query(zone, "AXFR")
        context: t.Any = None
        read = apex = 0
        self._send(query)
        while apex < 2:
            part, context = self._next_part(mac, context)
            apex += sum(record.kind == "SOA" for record in part.answer)
            read += part.answers
            if not apex:
                raise NoTransferError("its answer does not begin with a SOA record")
            if read > most:
                self.close()
                raise NoTransferError(f"it has more than {most} records")
            yield part.answer
        if self.keyring and not part.signature:
            raise DnsError(messages.unsigned(str(self), self._key_name()))

    def _next_part(self, mac: bytes, context: t.Any) -> tuple[Message, t.Any]:
        """The next message of a transfer, and what the signatures are about so far.

        Only the first and the last message, and one in a hundred, need a signature (RFC 8945, 5.3.1).
        """
        try:
            wire = self._receive()
            message, after = self._parse(wire, mac, context)
        except (EOFError, ConnectionError):
            raise NoTransferError("it closes the connection") from None
        except BadKeyError:
            raise NoTransferError("BADKEY") from None
        if message.code:
            raise NoTransferError(message.code_text)
        if message.signature is None and context is not None:
            context.update(wire)
        return message, after

    def update(self, wire: bytes) -> str:
        """Send an update message without an id and a signature. The code of the answer, NOERROR when it is done.

        Raises DnsError.
        """
        wire = os.urandom(2) + wire[2:]
        signed, mac = self._sign(wire)
        for attempt in (1, 2):
            fresh = self.socket is None
            try:
                self._send(signed)
                answer = self._receive()
                break
            except (EOFError, ConnectionError) as exc:
                self.close()
                # A connection that was there already may have been closed for its age; what is sent twice is done once,
                # since its prerequisites do not hold any more.
                if fresh or attempt == 2:
                    raise DnsError(messages.not_reached(str(self), str(exc) or "it closes the connection")) from None
        message, _context = self._parse(answer, mac)
        # One that refuses need not be signed: whoever forges that has won nothing.
        if self.keyring and not message.signature and not message.code:
            raise DnsError(messages.unsigned(str(self), self._key_name()))
        return message.code_text

    # ---------------------------------------------------------------- questions

    def _ask(self, questions: t.Sequence[Question], answers: dict[Question, Message]) -> None:
        """Ask with WINDOW questions under way. Answers may come in any order."""
        under_way: dict[int, tuple[Question, bytes]] = {}
        identity = int.from_bytes(os.urandom(2), "big")
        ahead = iter(questions)
        try:
            while True:
                for question in ahead:
                    identity = (identity + 1) & 0xFFFF
                    query, mac = self._query(*question, identity)
                    under_way[identity] = (question, mac)
                    self._send(query)
                    if len(under_way) >= WINDOW:
                        break
                if not under_way:
                    return
                wire = self._receive()
                asked = under_way.pop(int.from_bytes(wire[:2], "big"), None)
                if asked is not None:
                    answers[asked[0]] = self._read(wire, *asked)
        except (EOFError, ConnectionError):
            self.close()
            raise

    def _query(self, name: str, kind: str, identity: int | None = None) -> tuple[bytes, bytes]:
        """A signed question, and the MAC of its signature."""
        head = os.urandom(2) if identity is None else struct.pack("!H", identity)
        wire = head + b"\0\0\0\1\0\0\0\0\0\0" + name_wire(name) + struct.pack("!HH", NUMBERS[kind], IN)
        return self._sign(wire) if self.signs_questions else (wire, b"")

    def _read(self, wire: bytes, question: Question, mac: bytes) -> Message:
        """The answer to a question.

        Knot does not sign it; then the next ones are not signed either. A forged answer only makes the prerequisites of
        the update fail.
        """
        message, _context = self._parse(wire, mac)
        if message.question not in (None, (question[0], NUMBERS[question[1]])):
            raise DnsError(messages.garbled(str(self), "it is the answer to another question"))
        self.signs_questions = self.signs_questions and message.signature is not None
        return message

    # ---------------------------------------------------------------- signatures

    def _sign(self, wire: bytes) -> tuple[bytes, bytes]:
        """The message with its TSIG record (RFC 8945), and the MAC in it."""
        if not self.keyring:
            return wire, b""
        name, key = next(iter(self.keyring.items()))
        now = int(time.time())
        make: t.Any = dns.rdtypes.ANY.TSIG.TSIG  # neither this nor what signs has types
        sign: t.Any = dns.tsig.sign
        unsigned = make(
            dns.rdataclass.ANY,
            dns.rdatatype.TSIG,
            key.algorithm,
            now,
            FUDGE,
            b"",
            int.from_bytes(wire[:2], "big"),
            0,
            b"",
        )
        rdata, _context = sign(wire, key, unsigned, now)
        data = rdata.to_wire()
        record = (
            (name.to_wire() or b"") + struct.pack("!HHIH", dns.rdatatype.TSIG, dns.rdataclass.ANY, 0, len(data)) + data
        )
        count = int.from_bytes(wire[10:12], "big") + 1
        return wire[:10] + struct.pack("!H", count) + wire[12:] + record, rdata.mac

    def _parse(self, wire: bytes, mac: bytes, context: t.Any = None) -> tuple[Message, t.Any]:
        """The message, and what the signatures of a transfer are about so far. Its own is right, if it has one.

        Raises DnsError.
        """
        with self._explained(wire):
            message = read_message(wire)
            if message.signature is None or not self.keyring:
                return message, context
            owner, place, data = message.signature
            validate: t.Any = dns.tsig.validate  # has no types
            key = next(iter(self.keyring.values()))
            rdata = dns.rdata.from_wire(dns.rdataclass.ANY, dns.rdatatype.TSIG, data, 0, len(data))
            signer = dns.name.from_text(owner)
            return message, validate(wire, key, signer, rdata, int(time.time()), mac, place, context, True)

    @contextlib.contextmanager
    def _explained(self, wire: bytes) -> t.Iterator[None]:
        """What is wrong with a message, as a DnsError."""
        key = self._key_name()
        try:
            yield
        except dns.tsig.PeerBadKey:
            raise BadKeyError(messages.bad_key(str(self), key, self.key.algorithm if self.key else "")) from None
        except (dns.tsig.PeerBadSignature, dns.tsig.BadSignature, dns.tsig.PeerBadTruncation):
            raise DnsError(messages.bad_signature(str(self), key)) from None
        except dns.tsig.PeerBadTime:
            # The server's clock is the last thing in such an answer (RFC 8945, 5.2.3).
            told = int.from_bytes(wire[-6:], "big")
            raise DnsError(messages.bad_time(str(self), int(time.time()) - told)) from None
        except dns.tsig.BadTime:
            raise DnsError(messages.bad_time(str(self), None)) from None
        except (dns.exception.DNSException, ValueError, struct.error) as exc:
            raise DnsError(messages.garbled(str(self), str(exc) or type(exc).__name__)) from None

    def _key_name(self) -> str:
        return self.key.name if self.key else ""

    # ---------------------------------------------------------------- the connection

    def _send(self, wire: bytes) -> None:
        connection = self.socket or self._connect()
        try:
            connection.sendall(struct.pack("!H", len(wire)) + wire)
        except OSError as exc:
            raise self._broken(exc) from None

    def _receive(self) -> bytes:
        length = struct.unpack("!H", self._take(2))[0]
        return self._take(length)

    def _take(self, count: int) -> bytes:
        pieces, have = [self.buffer], len(self.buffer)
        while have < count:
            try:
                piece = self.socket.recv(PIECE) if self.socket else b""
            except OSError as exc:
                raise self._broken(exc) from None
            if not piece:
                raise EOFError
            pieces.append(piece)
            have += len(piece)
        data = b"".join(pieces)
        self.buffer = data[count:]
        return data[:count]

    def _broken(self, exc: OSError) -> Exception:
        """What to raise when the connection fails. A ConnectionError is left to those who can connect again."""
        self.close()
        if isinstance(exc, socket.timeout):
            return DnsError(messages.silent(str(self), self.timeout))
        return exc if isinstance(exc, ConnectionError) else DnsError(messages.not_reached(str(self), str(exc)))

    def _connect(self) -> socket.socket:
        """To the first address of the server that answers. Raises DnsError."""
        try:
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as exc:
            raise DnsError(messages.not_resolved(self.host, getattr(exc, "strerror", None) or str(exc))) from None
        reasons = []
        for family, kind, protocol, _name, address in found:
            connection = socket.socket(family, kind, protocol)
            connection.settimeout(self.timeout)
            try:
                connection.connect(address)
            except OSError as exc:
                connection.close()
                why = f"no answer within {self.timeout:g} s" if isinstance(exc, socket.timeout) else exc.strerror
                reasons.append(f"{address[0]}: {why or exc}" if len(found) > 1 else str(why or exc))
                continue
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socket, self.buffer = connection, b""
            return connection
        raise DnsError(messages.not_reached(str(self), "; ".join(reasons)))
