"""Numbers that are larger than anything: agents subtract without a sign, and what should be below zero is enormous."""

from __future__ import annotations

import pytest

from plugins.nezha.documented import HOST, figure, only, server, v0


@pytest.mark.parametrize("name", ["net_in", "net_out"])
@pytest.mark.parametrize("raw", [(1 << 64) - 1, 1 << 63, (1 << 34) + 1])
def test_a_speed_that_no_line_has_is_a_wrapped_counter(name: str, raw: int) -> None:
    found = only(figure(name, server(NetInSpeed=raw, NetOutSpeed=raw)))
    assert found.is_missing
    assert "which is a counter that wrapped, or beyond line_rate" in found.reason


def test_the_fastest_line_is_a_setting() -> None:
    row = server(NetInSpeed=1 << 40)
    assert only(figure("net_in", row)).is_missing
    assert only(figure("net_in", row, settings=v0(line_rate=1 << 40))).value == 1 << 40
    assert only(figure("net_in", server(NetInSpeed=1 << 34))).value == 1 << 34
    assert only(figure("net_in", server(NetInSpeed=0))).value == 0


@pytest.mark.parametrize("name", ["net_in_transfer", "net_out_transfer"])
def test_a_counter_that_no_double_holds_is_none(name: str) -> None:
    assert only(figure(name, server(NetInTransfer=1 << 53, NetOutTransfer=1 << 53))).value == 1 << 53
    assert only(figure(name, server(NetInTransfer=(1 << 53) + 1, NetOutTransfer=1 << 64))).is_missing


@pytest.mark.parametrize("raw", [(1 << 64) - 1, 18446744073709551515, 1 << 63, (1 << 53) + 1, 1e30])
@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("uptime", "Uptime"),
        ("memory_used_bytes", "MemUsed"),
        ("load1", "Load1"),
        ("tcp_connections", "TcpConnCount"),
        ("processes", "ProcessCount"),
        ("disk_used", "DiskTotal"),
        ("disk_free_bytes", "DiskTotal"),
        ("memory_used", "MemTotal"),
    ],
)
def test_a_figure_that_wrapped_is_none(name: str, row: str, raw: float) -> None:
    """Agents subtract without a sign: one whose clock was set back is up for ages, and never below ten minutes."""
    entry = server(host={**HOST, row: raw}) if row in HOST else server(**{row: raw})
    found = only(figure(name, entry))
    assert found.is_missing
    assert found.reason == f"{row} is {raw:.3g}, which is a number that wrapped"
