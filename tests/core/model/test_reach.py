"""Reach: which hosts and addresses a list allows, in whatever way they are written."""

from __future__ import annotations

import ipaddress
import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from checkmill.model.reach import Reach, host_of
from checkmill.model.secret import Secret

UNLISTED = "is not in the list of hosts that may be contacted"

IPV4 = st.ip_addresses(v=4)
IPV6 = st.ip_addresses(v=6)
PORTS = st.integers(1, 65535)
Address: TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address"
LABELS = st.from_regex(r"[a-z][a-z0-9-]{0,10}[a-z0-9]", fullmatch=True)
NAMES = st.lists(LABELS, min_size=1, max_size=4).map(".".join)


def spellings(address: ipaddress.IPv4Address) -> st.SearchStrategy[str]:
    """All that `inet_aton` takes for an IPv4 address."""
    number = int(address)

    def part(value: int) -> st.SearchStrategy[str]:
        return st.sampled_from([f"{value}", f"0{value:o}", f"0x{value:x}", f"0X{value:X}", f"0x0{value:x}"])

    def whole(count: int) -> st.SearchStrategy[str]:
        heads = [number >> (24 - 8 * at) & 255 for at in range(count - 1)]
        last = number & (1 << 8 * (5 - count)) - 1
        return st.tuples(*(part(value) for value in [*heads, last])).map(".".join)

    return st.one_of(*(whole(count) for count in range(1, 5)))


def outcome_of(make: Callable[[Any], Any], text: object) -> Any:
    """What a function makes of a text, or the ValueError that it raises."""
    try:
        return make(text)
    except ValueError as error:
        return error


def meant_by(address: Address) -> Address:
    """The address that another only carries, or itself."""
    carries = address in ipaddress.IPv6Network("64:ff9b::/96") or address in ipaddress.IPv6Network("::ffff:0:0/96")
    return ipaddress.IPv4Address(address.packed[-4:]) if carries else address


@pytest.mark.parametrize(
    ("written", "host", "port"),
    [
        ("shop.example", "shop.example", 80),
        ("shop.example", "SHOP.Example.", 443),
        ("Shop.Example.", "shop.example", 443),
        ("shop.example:8443", "shop.example", 8443),
        ("bücher.example", "xn--bcher-kva.example", 80),
        ("xn--bcher-kva.example", "BÜCHER.example", 80),
        ("straße.example", "xn--strae-oqa.example", 80),
        ("*.shop.example", "a.b.shop.example", 80),
        ("*.bücher.example", "www.xn--bcher-kva.example", 80),
        ("web-?.example", "web-1.example", 80),
        ("*", "anything.example", 80),
        ("*:80", "anything.example", 80),
        ("db", "db", 5432),
        ("_a_b.example", "_a_b.example", 80),
        ("10.1.2.3", "10.1.2.3", 80),
        ("10.0.0.0/8", "10.1.2.3", 80),
        ("10.0.0.0/8:8080", "10.1.2.3", 8080),
        ("0.0.0.0/0", "127.0.0.1", 80),
        ("127.0.0.1", "127.1", 80),
        ("127.0.0.1", "0x7f000001", 80),
        ("127.0.0.1", "2130706433", 80),
        ("127.0.0.1", "0177.0.0.1", 80),
        ("127.0.0.1", "127.0.0.1.", 80),
        ("127.0.0.1", "１２７.０.０.１", 80),  # noqa: RUF001 - a name service reads them as digits
        ("127.0.0.1", "127。0。0。1", 80),
        ("127.0.0.1", "::ffff:127.0.0.1", 80),
        ("127.0.0.1", "[::FFFF:7f00:1]", 80),
        ("10.1.2.3", "64:ff9b::10.1.2.3", 80),
        ("2001:db8::1", "[2001:DB8:0::1]", 80),
        ("[2001:db8::1]", "2001:db8::1", 80),
        ("[2001:db8::1]:443", "2001:db8::1", 443),
        ("2001:db8::/32", "2001:db8::1", 80),
        ("[2001:db8::/32]:443", "2001:db8::1", 443),
        ("64:ff9b:1::/48", "64:ff9b:1::7f00:1", 80),
    ],
)
def test_a_host_is_found_in_the_list_however_it_is_written(written: str, host: str, port: int) -> None:
    assert Reach((written,)).refusal_of_host(host, port) == ""
    assert Reach(("other.example", written)).refusal_of_host(host, port) == ""


@pytest.mark.parametrize(
    ("written", "host", "port", "reason"),
    [
        ("shop.example", "shop.example.evil.example", 80, f"shop.example.evil.example:80 {UNLISTED}"),
        ("shop.example", "evilshop.example", 80, f"evilshop.example:80 {UNLISTED}"),
        ("shop.example:8443", "shop.example", 443, f"shop.example:443 {UNLISTED}"),
        ("*.shop.example", "shop.example", 80, f"shop.example:80 {UNLISTED}"),
        ("*.shop.example", "evilshop.example", 80, f"evilshop.example:80 {UNLISTED}"),
        ("web-?.example", "web-10.example", 80, f"web-10.example:80 {UNLISTED}"),
        ("*", "10.1.2.3", 80, f"10.1.2.3:80 {UNLISTED}"),
        ("*", "8.8.8.8", 80, f"8.8.8.8:80 {UNLISTED}"),
        ("*", "::1", 80, f"[::1]:80 {UNLISTED}"),
        ("*", "[::1]", 80, f"[::1]:80 {UNLISTED}"),
        ("*", "2130706433", 80, f"2130706433 means 127.0.0.1, and 127.0.0.1:80 {UNLISTED}"),
        ("10.0.0.0/8:8080", "10.1.2.3", 80, f"10.1.2.3:80 {UNLISTED}"),
        ("10.0.0.0/8", "db.example", 80, f"db.example:80 {UNLISTED}"),
        ("::/0", "::ffff:10.1.2.3", 80, f"[::ffff:a01:203]:80 {UNLISTED}"),
        ("8.8.8.8", "2002:808:808::1", 80, f"[2002:808:808::1]:80 {UNLISTED}"),
        ("8.8.8.8", "64:ff9b:1::808:808", 80, f"[64:ff9b:1::808:808]:80 {UNLISTED}"),
        ("fe80::/10", "fe80::1%eth0", 80, "'fe80::1%eth0' is neither a host name nor an address"),
        ("*", "", 80, "'' is neither a host name nor an address"),
        ("*", "a..b", 80, "'a..b' is neither a host name nor an address"),
        ("*", ".example", 80, "'.example' is neither a host name nor an address"),
        ("*", "a b", 80, "'a b' is neither a host name nor an address"),
        ("*", "a%2eb", 80, "'a%2eb' is neither a host name nor an address"),
        ("*", "ann@b", 80, "'ann@b' is neither a host name nor an address"),
        ("*", "a\nb\x00", 80, "'a?b?' is neither a host name nor an address"),
        ("*", "\ud800", 80, "'?' is neither a host name nor an address"),
        ("*", "1.2.3.4.5", 80, "'1.2.3.4.5' is neither a host name nor an address"),
        ("*", "256.0.0.1", 80, "'256.0.0.1' is neither a host name nor an address"),
        ("*", "4294967296", 80, "'4294967296' is neither a host name nor an address"),
        ("*", "08.0.0.1", 80, "'08.0.0.1' is neither a host name nor an address"),
        ("*", "0x", 80, "'0x' is neither a host name nor an address"),
        ("*", "shop.123", 80, "'shop.123' is neither a host name nor an address"),
        ("*", "[::1", 80, "'[::1' is neither a host name nor an address"),
        ("*", "a." * 130, 80, f"'{'a.' * 48}a...' is neither a host name nor an address"),
    ],
)
def test_a_host_that_is_not_in_the_list_is_refused_and_named(written: str, host: str, port: int, reason: str) -> None:
    assert Reach((written,)).refusal_of_host(host, port) == reason
    assert Reach((written,)).refusal_of_address(host, port, "8.8.8.8") == reason


def test_an_empty_list_allows_nothing() -> None:
    assert Reach(()).refusal_of_host("shop.example", 80) == f"shop.example:80 {UNLISTED}"
    assert Reach(()).refusal_of_host("8.8.8.8", 80) == f"8.8.8.8:80 {UNLISTED}"


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("0.0.0.0", "this host"),
        ("10.1.2.3", "private"),
        ("100.64.0.1", "behind a carrier's NAT"),
        ("100.100.100.200", "behind a carrier's NAT"),
        ("127.0.0.1", "loopback"),
        ("127.255.255.254", "loopback"),
        ("168.63.129.16", "a cloud's own service"),
        ("169.254.169.254", "link-local"),
        ("172.31.255.255", "private"),
        ("192.0.0.192", "reserved"),
        ("192.0.2.1", "for documentation"),
        ("192.88.99.1", "6to4"),
        ("192.168.1.1", "private"),
        ("198.19.0.1", "for benchmarks"),
        ("198.51.100.1", "for documentation"),
        ("203.0.113.1", "for documentation"),
        ("224.0.0.1", "multicast"),
        ("239.255.255.255", "multicast"),
        ("240.0.0.1", "reserved"),
        ("255.255.255.255", "broadcast"),
        ("::", "this host"),
        ("::1", "loopback"),
        ("::127.0.0.1", "reserved"),
        ("::ffff:0:127.0.0.1", "reserved"),
        ("100::1", "reserved"),
        ("64:ff9b:1::7f00:1", "local NAT64"),
        ("2001::1", "Teredo"),
        ("2001:2::1", "reserved"),
        ("2001:db8::1", "for documentation"),
        ("2002:7f00:1::", "6to4"),
        ("2002:808:808::1", "6to4"),
        ("3fff::1", "for documentation"),
        ("4000::1", "reserved"),
        ("5f00::1", "reserved"),
        ("fc00::1", "private"),
        ("fd00:ec2::254", "private"),
        ("fe80::1", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("fec0::1", "reserved"),
        ("ff02::1", "multicast"),
    ],
)
def test_an_address_that_is_not_the_publics_is_refused_unless_it_is_listed(address: str, kind: str) -> None:
    found = address.partition("%")[0]
    refusal = Reach(("*",)).refusal_of_address("db.example", 80, address)
    assert refusal == (
        f"db.example resolves to {ipaddress.ip_address(found)}, which is {kind} "
        "and not in the list of hosts that may be contacted"
    )
    assert Reach(("*", found)).refusal_of_address("db.example", 80, address) == ""
    assert Reach(("*", f"[{found}]:81" if ":" in found else f"{found}:81")).refusal_of_address(
        "db.example", 80, address
    )


@pytest.mark.parametrize(
    ("address", "meant"),
    [
        ("::ffff:127.0.0.1", "127.0.0.1"),
        ("64:ff9b::a9fe:a9fe", "169.254.169.254"),
        ("64:ff9b::10.0.0.1", "10.0.0.1"),
    ],
)
def test_an_address_that_only_carries_another_is_judged_as_that(address: str, meant: str) -> None:
    reach = Reach(("db.example",))
    assert f"resolves to {meant}, which is" in reach.refusal_of_address("db.example", 80, address)
    assert Reach(("db.example", meant)).refusal_of_address("db.example", 80, address) == ""


@pytest.mark.parametrize("address", ["8.8.8.8", "64:ff9b::808:808", "::ffff:8.8.8.8", "2606:4700::1111", "2001:200::1"])
def test_a_listed_name_may_lead_to_a_public_address(address: str) -> None:
    assert Reach(("db.example",)).refusal_of_address("db.example", 80, address) == ""


def test_a_listed_address_leads_to_itself_alone() -> None:
    reach = Reach(("10.1.2.3",))
    assert reach.refusal_of_address("10.1.2.3", 80, "10.1.2.3") == ""
    assert "resolves to 8.8.8.8, which is another address" in reach.refusal_of_address("10.1.2.3", 80, "8.8.8.8")


def test_what_the_name_service_gives_must_be_an_address() -> None:
    reach = Reach(("*",))
    assert reach.refusal_of_address("db.example", 80, "a\nb") == "db.example resolves to 'a?b', which is no address"


@pytest.mark.parametrize(
    ("written", "remedy"),
    [
        ("", "write a name, a glob, an address or a network"),
        (".", "write a name, a glob, an address or a network"),
        (":80", "write a name, a glob, an address or a network"),
        ("a b", "write a name, a glob, an address or a network"),
        (" shop.example", "write a name, a glob, an address or a network"),
        ("ann@shop.example", "write a name, a glob, an address or a network"),
        ("shop..example", "write a name, a glob, an address or a network"),
        ("*..example", "write a name, a glob, an address or a network"),
        ("web-[12].example", "write a name, a glob, an address or a network"),
        ("shop.example\n", "write a name, a glob, an address or a network"),
        ("300.1.1.1", "write a name, a glob, an address or a network"),
        ("https://shop.example", "leave the scheme and the path away"),
        ("https://shop.example:8443/x", "leave the scheme and the path away"),
        ("shop.example/x", "and a name without a path"),
        ("shop.example:", "the port is a number from 1 to 65535"),
        ("shop.example:https", "the port is a number from 1 to 65535"),
        ("shop.example:*", "leave it and the colon away for all ports"),
        ("shop.example:0", "the port is a number from 1 to 65535"),
        ("shop.example:65536", "the port is a number from 1 to 65535"),
        ("shop.example:٨٠", "the port is a number from 1 to 65535"),
        ("10.1.2.3/8", "write 10.0.0.0/8 for the network, or 10.1.2.3 for the one address"),
        ("2001:db8::1/32", "write 2001:db8::/32 for the network, or 2001:db8::1 for the one address"),
        ("10.0.0.0/255.0.0.0", "write a network as 10.0.0.0/8"),
        ("10.0.0.0/33", "write a network as 10.0.0.0/8"),
        ("10.0.0.0/", "write a network as 10.0.0.0/8"),
        ("10.*", "globs are for names; write addresses as a network, such as 10.0.0.0/8"),
        ("192.168.?.1", "globs are for names"),
        ("127.1", "it would be taken for 127.0.0.1; write four decimal numbers"),
        ("010.0.0.1", "it would be taken for 8.0.0.1; write four decimal numbers"),
        ("2130706433", "it would be taken for 127.0.0.1; write four decimal numbers"),
        ("::ffff:10.0.0.1", "it only carries IPv4; write 10.0.0.1"),
        ("::ffff:10.0.0.0/104", "it only carries IPv4; write 10.0.0.0/8"),
        ("64:ff9b::/96", "it only carries IPv4; write 0.0.0.0/0"),
        ("fe80::1%eth0", "leave the zone, which begins with %, away"),
        ("2001:db8::1:70000", "write a network as 10.0.0.0/8 or 2001:db8::/32"),
        ("[2001:db8::1", "write an IPv6 address or network with a port as [2001:db8::1]:443"),
        ("[2001:db8::1]443", "write an IPv6 address or network with a port as [2001:db8::1]:443"),
        ("[2001:db8::]/32", "write an IPv6 address or network with a port as [2001:db8::1]:443"),
        ("[shop.example]:443", "write an IPv6 address or network with a port as [2001:db8::1]:443"),
        ("*bücher.example", "a part with other letters than a to z is written whole"),
    ],
)
def test_what_is_no_host_is_refused_with_what_to_write(written: str, remedy: str) -> None:
    with pytest.raises(ValueError, match="is no host") as refused:
        Reach(("shop.example", written))
    assert remedy in str(refused.value)


@pytest.mark.parametrize(("hosts", "remedy"), [("shop.example", "write a list"), ((8080,), "put it in quotes")])
def test_what_is_no_list_of_texts_is_refused(hosts: object, remedy: str) -> None:
    with pytest.raises(ValueError, match=remedy):
        Reach(hosts)  # type: ignore[arg-type]


def test_a_reach_is_a_value() -> None:
    one = Reach(("a.example", "10.0.0.0/8"))
    assert one == Reach(("a.example", "10.0.0.0/8")) == Reach(["a.example", "10.0.0.0/8"])  # type: ignore[arg-type]
    assert hash(one) == hash(Reach(("a.example", "10.0.0.0/8")))
    assert repr(one) == "Reach(hosts=('a.example', '10.0.0.0/8'))"
    assert pickle.loads(pickle.dumps(one)).refusal_of_host("10.1.2.3", 80) == ""


def test_no_secret_is_in_a_refusal() -> None:
    Secret("hunter2hunter2")
    assert "hunter2hunter2" not in Reach(("*",)).refusal_of_host("hunter2hunter2 .example", 80)


@given(IPV4, st.data())
@example(ipaddress.IPv4Address("8.0.0.1"), None)
def test_every_spelling_of_an_ipv4_address_means_it(address: ipaddress.IPv4Address, data: st.DataObject | None) -> None:
    written = "010.0.0.1" if data is None else data.draw(spellings(address))
    assert host_of(written) == str(address)
    assert Reach((str(address),)).refusal_of_host(written, 80) == ""
    assert Reach(("*",)).refusal_of_host(written, 80).endswith(f"{address}:80 {UNLISTED}")


@given(st.one_of(st.text(), NAMES, IPV4.map(str), IPV6.map(str)))
def test_one_spelling_stays_one(text: str) -> None:
    """What was checked is what is looked up: reading it once more changes nothing."""
    host = outcome_of(host_of, text)
    if isinstance(host, str):
        assert host.isascii()
        assert host == host.lower()
        assert host_of(host) == host
    else:
        assert str(host).isprintable()


@given(st.text(alphabet=st.sampled_from("019aexX*?.:/[]%-_ü"), max_size=20), st.text(max_size=20), PORTS)
def test_no_entry_and_no_host_is_more_than_allowed_or_refused(written: str, host: str, port: int) -> None:
    reach = outcome_of(Reach, (written,))
    if isinstance(reach, Reach):
        assert reach.refusal_of_host(host, port).isprintable()
        assert reach.refusal_of_address(host, port, host).isprintable()
    else:
        assert "is no host: " in str(reach)


@given(st.one_of(IPV4, IPV6))
def test_a_name_never_leads_where_python_knows_no_public(address: Address) -> None:
    if Reach(("*",)).refusal_of_address("db.example", 80, str(address)) == "":
        meant = meant_by(address)
        assert meant.is_global
        assert not meant.is_multicast
        assert not meant.is_private


@given(st.one_of(IPV4, IPV6).map(meant_by), st.one_of(IPV4, IPV6), PORTS, PORTS)
def test_an_address_allows_itself_at_its_port_alone(listed: Address, asked: Address, port: int, other: int) -> None:
    reach = Reach((f"[{listed}]:{port}" if listed.version == 6 else f"{listed}:{port}",))
    assert reach.refusal_of_host(str(listed), port) == ""
    assert (reach.refusal_of_host(str(listed), other) == "") == (port == other)
    assert (reach.refusal_of_host(str(asked), port) == "") == (meant_by(asked) == listed)


@given(IPV4, st.integers(0, 32), IPV4)
def test_a_network_allows_what_is_in_it(
    start: ipaddress.IPv4Address, length: int, asked: ipaddress.IPv4Address
) -> None:
    network = ipaddress.IPv4Network((start, length), strict=False)
    reach = Reach((str(network), "db.example"))
    assert (reach.refusal_of_host(str(asked), 80) == "") == (asked in network)
    mapped = f"::ffff:{asked}"
    assert reach.refusal_of_address("db.example", 80, mapped) == reach.refusal_of_address("db.example", 80, str(asked))


@given(NAMES, NAMES)
def test_a_name_allows_itself_and_what_is_below_a_glob(one: str, other: str) -> None:
    assert Reach((one,)).refusal_of_host(f"{one.upper()}.", 80) == ""
    assert (Reach((one,)).refusal_of_host(other, 80) == "") == (one == other)
    assert Reach((f"*.{one}",)).refusal_of_host(f"{other}.{one}", 80) == ""
    assert Reach((f"*.{one}",)).refusal_of_host(one, 80) != ""


def test_a_plain_name_needs_no_other_library() -> None:
    program = (
        "import sys; from checkmill.model.reach import Reach\n"
        "assert not Reach(('*.shop.example', '10.0.0.0/8')).refusal_of_host('a.shop.example', 80)\n"
        "print('idna' in sys.modules, 'socket' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["False", "False"]
