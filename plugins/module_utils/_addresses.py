# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text to service addresses and prefixes, with an error for everything that can't be one.

Used on the controller and on the hosts, so that both refuse the same. Docker publishes on the wildcard address when it is
given no valid one (DESIGN.md, fact 12): whatever goes to an engine comes through here.
"""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address, IPv6Address, IPv6Interface, IPv6Network


class RequestError(Exception):
    """A value of the request that can't be meant. Its text says what, why and the mend; nothing was changed."""


def parse_address(value: object) -> IPv6Address:
    """A service address: a global or unique local unicast IPv6 address, without a prefix length or a zone.

    value: as it came from the inventory or the module's arguments; anything but text is refused.
    Raises RequestError.
    """
    text = _text(value, "an IPv6 address")
    if "%" in text:
        raise RequestError(f"{text!r} has a zone (the part from '%'). A service address is global: leave the zone out.")
    if "/" in text:
        raise RequestError(f"{text!r} has a prefix length. Give the address alone: {text.split('/')[0]}")
    if text.startswith("[") and text.endswith("]"):
        raise RequestError(f"{text!r} is in brackets. Give the address alone: {text[1:-1]}")
    try:
        address = IPv6Address(text)
    except (AddressValueError, ValueError) as exc:
        if _is_ipv4(text):
            raise RequestError(f"{text!r} is an IPv4 address. A service address is IPv6, as 2001:db8::201.") from None
        raise RequestError(f"{text!r} is no IPv6 address: {exc}. Write it as 2001:db8::201, and quote it.") from None
    reason = _not_for_a_service(address)
    if reason:
        raise RequestError(
            f"{address} can't be a service address: {reason}. Give it a global address, as 2001:db8::201."
        )
    return address


def parse_interface_address(value: object, default_length: int = 128) -> IPv6Interface:
    """ADDRESS or ADDRESS/LEN as a service address with its prefix length.

    Raises RequestError.
    """
    text = _text(value, "an IPv6 address")
    address, slash, length = text.partition("/")
    parsed = parse_address(address)
    if not slash:
        return IPv6Interface((parsed, default_length))
    if not (length.isascii() and length.isdigit() and 1 <= int(length) <= 128):
        raise RequestError(
            f"{text!r} has no prefix length from 1 to 128 behind its slash. Write {parsed}/128, or {parsed}."
        )
    return IPv6Interface((parsed, int(length)))


def parse_prefix(value: object) -> IPv6Network:
    """An IPv6 prefix, PREFIX/LEN, with no bit set behind its length. `::/0` is one.

    Raises RequestError.
    """
    text = _text(value, "an IPv6 prefix")
    if "%" in text:
        raise RequestError(f"{text!r} has a zone (the part from '%'). A prefix has none: leave it out.")
    if "/" not in text:
        raise RequestError(f"{text!r} has no length. Write a prefix with its length, as 2001:db8::/64.")
    try:
        return IPv6Network(text)
    except ValueError as exc:
        try:
            meant = IPv6Network(text, strict=False)
        except ValueError:
            raise RequestError(f"{text!r} is no IPv6 prefix: {exc}. Write it as 2001:db8::/64.") from None
        raise RequestError(f"{text!r} has bits set behind its length. Write {meant}.") from None


def _text(value: object, what: str) -> str:
    """The value, if it is text; YAML reads unquoted things such as `::1` or `1:20` as something else."""
    if not isinstance(value, str):
        kind = "nothing" if value is None else f"of type {type(value).__name__}"
        raise RequestError(f"{value!r} is {kind}, not {what}. Write it as 2001:db8::201, in quotes.")
    if not value.isascii():
        strange = sorted({f"U+{ord(c):04X}" for c in value if not c.isascii()})
        raise RequestError(
            f"{value!r} has characters that only look like those of {what}: {', '.join(strange)}. Type it in ASCII."
        )
    if value != value.strip() or not value:
        raise RequestError(
            f"{value!r} is {'empty' if not value.strip() else 'padded with spaces'}: write {what}, as 2001:db8::201."
        )
    return value


def _is_ipv4(text: str) -> bool:
    try:
        IPv4Address(text)
    except ValueError:
        return False
    return True


def _not_for_a_service(address: IPv6Address) -> str | None:
    """Why no client could reach a service there, or None."""
    for applies, reason in (
        (address.is_unspecified, "it is the wildcard address, which would publish on every address of the host"),
        (address.is_loopback, "it is the loopback address, which only the host itself reaches"),
        (address.ipv4_mapped is not None, f"it is the IPv4 address {address.ipv4_mapped} in IPv6 notation"),
        (address.is_multicast, "it is a multicast address"),
        (address.is_link_local, "it is link-local, which no router forwards and no name can point to"),
        (address.is_site_local, "it is site-local (fec0::/10), which RFC 3879 abolished"),
        (address in IPv6Network("::/96"), "it is in ::/96, which is not routed"),
        (address in IPv6Network("100::/64"), "it is in the discard prefix 100::/64"),
    ):
        if applies:
            return reason
    return None
