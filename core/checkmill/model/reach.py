"""Where a request may lead whose address comes from a vendor's answer instead of the configuration."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TypeAlias

_Address: TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address"
_Network: TypeAlias = "ipaddress.IPv4Network | ipaddress.IPv6Network"

#: IPv6 networks whose addresses carry an IPv4 address in their last four bytes: NAT64 (RFC 6052).
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True)
class Reach:
    """The hosts that a request may be sent to. The driver connects to the very address that was checked.

    `hosts` are names or globs of names (`shop.example`, `*.shop.example`), addresses or networks (`10.1.2.3`,
    `10.0.0.0/8`), each also with a port (`shop.example:8443`, `[2001:db8::1]:443`). A name whose address is not public
    (private, loopback, link-local and so on) is refused unless an address or network in the list covers that address.

    Raises ValueError, with what to write instead, for an entry that is none of these.
    """

    hosts: tuple[str, ...]

    def __post_init__(self) -> None:
        for entry in self.hosts:
            host, _ = _split(entry)
            if not host or (any(character in host for character in "/@ \t\n") and _network_of(host) is None):
                raise ValueError(
                    f"{entry!r} is no host; write a name, a glob, an address or a network, without http://"
                )

    def refusal_of_host(self, host: str, port: int) -> str:
        """Why this host may not be asked for at all; an empty text when it may."""
        address = _address_of(host)
        if address is not None:
            return self.refusal_of_address(host, port, host)
        name = host.rstrip(".").lower()
        for entry in self.hosts:
            pattern, of_port = _split(entry)
            if of_port in {None, port} and _network_of(pattern) is None and fnmatchcase(name, pattern.lower()):
                return ""
        return f"{host}:{port} is not in the list of hosts that may be contacted"

    def refusal_of_address(self, host: str, port: int, address: str) -> str:
        """Why this address of a host may not be connected to; an empty text when it may."""
        found = _address_of(address)
        if found is None:
            return f"{address!r} is no address"
        for entry in self.hosts:
            pattern, of_port = _split(entry)
            network = _network_of(pattern)
            if network is not None and of_port in {None, port} and found in network:
                return ""
        if _address_of(host) is not None:
            return f"{host}:{port} is not in the list of hosts that may be contacted"
        if not found.is_global or found.is_multicast:
            return f"{host} resolves to {found}, which is not public and not in the list of hosts that may be contacted"
        return ""


def _split(entry: str) -> tuple[str, int | None]:
    """The host and the port of an entry; the port is None where none is written."""
    if entry.startswith("["):
        host, _, rest = entry[1:].partition("]")
        return host, int(rest[1:]) if rest.startswith(":") and rest[1:].isdecimal() else None
    host, colon, port = entry.rpartition(":")
    if colon and ":" not in host and port.isdecimal():
        return host, int(port)
    return entry, None


def _network_of(pattern: str) -> _Network | None:
    try:
        return ipaddress.ip_network(pattern, strict=False)
    except ValueError:
        return None


def _address_of(text: str) -> _Address | None:
    """The address that is really meant: without zone, and IPv4 where IPv6 only wraps it."""
    try:
        address = ipaddress.ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _TRANSLATED:
        return ipaddress.IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address.sixtofour or address
