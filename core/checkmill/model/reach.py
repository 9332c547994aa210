"""Where a request may lead whose address comes from a vendor's answer instead of the configuration.

A host is judged in one spelling, which `host_of` gives; the driver looks up, connects to and names exactly that.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from typing import TypeAlias

from checkmill.model.secret import shortened

_Address: TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address"
_Network: TypeAlias = "ipaddress.IPv4Network | ipaddress.IPv6Network"
#: A network or a pattern for names, and the port it holds for; None is every port.
_Entry: TypeAlias = "tuple[_Network | str, int | None]"

_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")
_LONGEST_LABEL, _LONGEST_NAME = 63, 253  # RFC 1035
_HIGHEST_PORT = 65535
_LONGEST_SHOWN = 100

#: How an IPv6 address begins that only carries an IPv4 one in its last four bytes: mapped (RFC 4291), NAT64 (RFC 6052).
_WRAPPINGS = (bytes(10) + b"\xff\xff", b"\x00\x64\xff\x9b" + bytes(8))
_WRAPPING_BITS = 96

#: What the registries of special addresses (RFC 6890) keep from the public, more specific networks first. Python's own
#: table is not enough: 3.11.7 takes ::127.0.0.1 and 64:ff9b:1::/48 for public.
_SPECIAL = (
    ("0.0.0.0/8", "this host"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "behind a carrier's NAT"),
    ("127.0.0.0/8", "loopback"),
    ("168.63.129.16/32", "a cloud's own service"),  # Azure: only its machines reach it, and it knows them
    ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "reserved"),
    ("192.0.2.0/24", "for documentation"),
    ("192.88.99.0/24", "6to4"),
    ("192.168.0.0/16", "private"),
    ("198.18.0.0/15", "for benchmarks"),
    ("198.51.100.0/24", "for documentation"),
    ("203.0.113.0/24", "for documentation"),
    ("224.0.0.0/4", "multicast"),
    ("255.255.255.255/32", "broadcast"),
    ("240.0.0.0/4", "reserved"),
    ("::/128", "this host"),
    ("::1/128", "loopback"),
    ("64:ff9b:1::/48", "local NAT64"),
    ("2001::/32", "Teredo"),
    ("2001::/23", "reserved"),
    ("2001:db8::/32", "for documentation"),
    ("2002::/16", "6to4"),
    ("3fff::/20", "for documentation"),
    ("fc00::/7", "private"),
    ("fe80::/10", "link-local"),
    ("ff00::/8", "multicast"),
)
#: All that is given out for the public of IPv6.
_PUBLIC_IPV6 = "2000::/3"


@dataclass(frozen=True)
class Reach:
    """The hosts that a request may be sent to. The driver connects to the very address that was checked.

    `hosts` are names or globs of names (`shop.example`, `*.shop.example`), addresses or networks (`10.1.2.3`,
    `10.0.0.0/8`, `2001:db8::/32`), each also for one port alone (`shop.example:8443`, `10.0.0.0/8:8080`,
    `[2001:db8::1]:443`, `[2001:db8::/32]:443`). In a glob, `*` stands for any text, dots included, and `?` for one
    character. Names are compared without regard to case, to a dot at the end, and to whether they are written in
    Unicode or as `xn--...`.

    A host that is an address needs an address or network that covers it. A name needs a name or glob, and may then
    lead to public addresses, and to others (private, loopback, link-local and so on) that an address or network
    covers. An IPv6 address that only carries an IPv4 one, such as `::ffff:10.1.2.3`, is judged as that one.

    Raises ValueError, with what to write instead, for an entry that is none of these.
    """

    hosts: tuple[str, ...]
    _entries: tuple[_Entry, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if isinstance(self.hosts, str):
            raise ValueError(f"{self.hosts!r} is one text; write a list of hosts")  # noqa: TRY004 - as for each entry
        object.__setattr__(self, "hosts", tuple(self.hosts))
        object.__setattr__(self, "_entries", tuple(_entry_of(written) for written in self.hosts))

    def refusal_of_host(self, host: str, port: int) -> str:
        """Why this host may not be asked for at all; an empty text when it may. No name is looked up for that."""
        try:
            meant = host_of(host)
        except ValueError as error:
            return str(error)
        address = _address_of(meant)
        if self._covers(address, port) if address is not None else self._names(meant, port):
            return ""
        unlisted = f"{host_and_port(meant, port)} is not in the list of hosts that may be contacted"
        disguised = address is not None and _address_of(host.strip("[].")) != address
        return f"{_shown(host)} means {meant}, and {unlisted}" if disguised else unlisted

    def refusal_of_address(self, host: str, port: int, address: str) -> str:
        """Why this address of a host may not be connected to; an empty text when it may."""
        refusal = self.refusal_of_host(host, port)
        if refusal:
            return refusal
        found = _address_of(address.partition("%")[0])  # the zone only says through which interface
        if found is None:
            return f"{_shown(host)} resolves to {_shown(address)!r}, which is no address"
        if self._covers(found, port):
            return ""
        kind = _kind_of(found)
        if kind or _address_of(host_of(host)) is not None:
            return (
                f"{_shown(host)} resolves to {found}, which is {kind or 'another address'} "
                "and not in the list of hosts that may be contacted"
            )
        return ""

    def _covers(self, address: _Address, port: int) -> bool:
        return any(not isinstance(what, str) and of in {None, port} and address in what for what, of in self._entries)

    def _names(self, name: str, port: int) -> bool:
        name = name.removesuffix(".")
        return any(
            isinstance(what, str) and of in {None, port} and fnmatchcase(name, what) for what, of in self._entries
        )


def host_of(text: str) -> str:
    """The host that a text means, in the one spelling in which it is checked, looked up and named to the peer.

    A name is in lower case and ASCII: `Bücher.example` is `xn--bcher-kva.example`; a dot at its end stays. What the
    name service would take for an IPv4 address is that address: `127.1`, `0x7f000001` and `2130706433` are `127.0.0.1`.
    Raises ValueError for what is neither, and for an address with a zone, which would name an interface of this host.
    """
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        host = _ipv6_of(bare) if ":" in bare else _name_of(bare)
    except ValueError:
        host = ""
    if not host:
        raise ValueError(f"{_shown(text)!r} is neither a host name nor an address")
    return host


def host_and_port(host: str, port: int) -> str:
    """Write a host and a port: `shop.example:80`, `[2001:db8::1]:443`."""
    return f"{f'[{host}]' if ':' in host else host}:{port}"


def _ipv6_of(text: str) -> str:
    """An IPv6 address; empty for one with a zone. Raises ValueError for what is none."""
    return "" if "%" in text else str(ipaddress.IPv6Address(text))


def _name_of(text: str) -> str:
    """A name, or the IPv4 address that the name service would take it for. Empty, or a ValueError, if it is neither."""
    name = _ascii(text).lower()
    labels = name.removesuffix(".").split(".")
    if not _are_labels(labels, _LETTERS):
        return ""
    return str(_ipv4_of(labels)) if _is_number(labels[-1]) else name


def _ascii(name: str) -> str:
    """A name in ASCII, or nothing for one that is too long. Raises ValueError for what cannot be a name."""
    if name.isascii():
        return name
    if len(name) > _LONGEST_NAME:
        return ""
    # Imported here: few names need it. It comes with httpx.
    import idna

    return idna.encode(name, uts46=True).decode("ascii")


def _are_labels(labels: list[str], letters: frozenset[str]) -> bool:
    whole = sum(len(label) + 1 for label in labels) <= _LONGEST_NAME + 1
    return whole and all(0 < len(label) <= _LONGEST_LABEL and letters.issuperset(label) for label in labels)


def _is_number(label: str) -> bool:
    """Whether the last part of a name makes all of it an address, as in the URL standard."""
    return label.isdecimal() or (label.startswith("0x") and all(digit in "0123456789abcdef" for digit in label[2:]))


def _ipv4_of(parts: list[str]) -> ipaddress.IPv4Address:
    """Read an address as `inet_aton` does: one to four numbers, octal after 0, hexadecimal after 0x.

    The last one fills what is left of the four bytes. Raises ValueError for anything else.
    """
    if len(parts) > 4 or not all(_is_number(part) for part in parts):
        raise ValueError
    *bytes_before, last = (_number_of(part) for part in parts)
    if any(byte > 255 for byte in bytes_before) or last >= 256 ** (4 - len(bytes_before)):
        raise ValueError
    return ipaddress.IPv4Address(bytes(bytes_before) + last.to_bytes(4 - len(bytes_before), "big"))


def _number_of(part: str) -> int:
    if part.startswith("0x"):
        return int(part, 16)
    return int(part, 8 if part.startswith("0") else 10)


def _address_of(text: str) -> _Address | None:
    """The address that is really meant: IPv4 where IPv6 only wraps it."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return ipaddress.IPv4Address(address.packed[-4:]) if _is_wrapped(address) else address


def _is_wrapped(address: _Address) -> bool:
    return address.packed.startswith(_WRAPPINGS)


def _kind_of(address: _Address) -> str:
    """What an address is that is not the public's; an empty text for a public one."""
    for network, kind in _special():
        if address in network:
            return kind
    if address.version == 6 and address not in ipaddress.IPv6Network(_PUBLIC_IPV6):
        return "reserved"
    # What a later Python knows and this table does not.
    return "" if address.is_global and not address.is_multicast else "not public"


@cache
def _special() -> tuple[tuple[_Network, str], ...]:
    return tuple((ipaddress.ip_network(network), kind) for network, kind in _SPECIAL)


def _entry_of(written: object) -> _Entry:
    if not isinstance(written, str):
        raise ValueError(f"{written!r} is no host; put it in quotes if it is a name")  # noqa: TRY004 - as for all entries
    if "://" in written:
        raise _no_host(written, "leave the scheme and the path away")
    host, port = _split(written)
    if "/" in host or ":" in host:
        return _network_of(host, written), port
    address = _address_of(host)
    if address is not None:
        return ipaddress.ip_network(address), port
    return _pattern_of(host, written), port


def _split(written: str) -> tuple[str, int | None]:
    """The host and the port of an entry; the port is None where none is written."""
    if written.startswith("["):
        host, bracket, rest = written[1:].partition("]")
        if not bracket or ":" not in host or (rest and not rest.startswith(":")):
            raise _no_host(written, "write an IPv6 address or network with a port as [2001:db8::1]:443")
        return host, _port_of(rest[1:], written) if rest else None
    if written.count(":") == 1:
        host, _, port = written.partition(":")
        return host, _port_of(port, written)
    return written, None


def _port_of(text: str, written: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 6 and 1 <= int(text) <= _HIGHEST_PORT):
        raise _no_host(written, "the port is a number from 1 to 65535; leave it and the colon away for all ports")
    return int(text)


def _network_of(host: str, written: str) -> _Network:
    """The network, or the IPv6 address, of an entry."""
    if "%" in host:
        raise _no_host(written, "leave the zone, which begins with %, away")
    address, slash, length = host.partition("/")
    try:
        network = ipaddress.ip_network(host, strict=False)
    except ValueError:
        network = None
    if network is None or (slash and not (length.isascii() and length.isdecimal())):
        raise _no_host(written, "write a network as 10.0.0.0/8 or 2001:db8::/32, and a name without a path")
    if network.network_address != ipaddress.ip_address(address):
        raise _no_host(written, f"write {network} for the network, or {address} for the one address")
    if network.prefixlen >= _WRAPPING_BITS and _is_wrapped(network.network_address):
        carried = ipaddress.IPv4Network((network.network_address.packed[-4:], network.prefixlen - _WRAPPING_BITS))
        raise _no_host(written, f"it only carries IPv4; write {str(carried).removesuffix('/32')}")
    return network


def _pattern_of(host: str, written: str) -> str:
    """The pattern of an entry that is a name or a glob of names."""
    name = host.removesuffix(".")
    if "*" not in name and "?" not in name:
        try:
            pattern = host_of(name)
        except ValueError:
            raise _no_host(written) from None
        if _address_of(pattern) is not None:
            raise _no_host(written, f"it would be taken for {pattern}; write four decimal numbers")
        return pattern
    if set(name) <= set("0123456789.*?") and not set(name) <= set(".*?"):
        raise _no_host(written, "globs are for names; write addresses as a network, such as 10.0.0.0/8")
    try:
        labels = [label if label.isascii() else host_of(label) for label in name.split(".")]
    except ValueError:
        raise _no_host(written, "a part with other letters than a to z is written whole, without * or ?") from None
    pattern = ".".join(labels).lower()
    if not _are_labels(pattern.split("."), _LETTERS | {"*", "?"}):
        raise _no_host(written)
    return pattern


def _no_host(written: str, remedy: str = "write a name, a glob, an address or a network") -> ValueError:
    return ValueError(f"{_shown(written)!r} is no host: {remedy}")


def _shown(text: str) -> str:
    """A text of unknown origin, fit for a sentence: one line, printable, not endless, without secrets."""
    return shortened("".join(letter if letter.isprintable() else "?" for letter in text), _LONGEST_SHOWN)
