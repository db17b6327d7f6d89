from datetime import UTC, datetime, timedelta

import pytest

from golem_vpn.cli.peer_lines import PeerLine, duration, peer_line
from golem_vpn.sdk.models import Path, Peer

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
NODE = "0x" + "a" * 40
RELAY = "https://relay.example:443#sha256=" + "ab" * 32


def test_a_direct_path() -> None:
    path = Path("direct", "192.0.2.1:11501", since=NOW - timedelta(hours=2), rtt_ms=1.25, loss_percent=0.0, mtu=1420)
    assert peer_line(Peer(NODE, "home", path), NOW) == PeerLine(
        "home", NODE, "direct to 192.0.2.1:11501 for 2 h", "1.25 ms", "0 %", 1420, None
    )


def test_a_relayed_path_says_why_and_until_when() -> None:
    path = Path("relayed", relay=RELAY, reason="UDP seems blocked", next_try=NOW + timedelta(seconds=28))
    line = peer_line(Peer(NODE, "", path), NOW)
    assert (line.name, line.path) == (None, "relayed by relay.example:443")
    assert line.reason == "UDP seems blocked; tried again in 28 s"


def test_no_path() -> None:
    line = peer_line(Peer(NODE, "", Path("none", reason="no path has been tried yet")), NOW)
    assert (line.path, line.reason, line.rtt, line.loss, line.mtu) == (
        "none", "no path has been tried yet", None, None, None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "text"), [(-1, "0 s"), (0.4, "0 s"), (59, "59 s"), (60, "1 min"), (7300, "2 h"), (200_000, "2 d")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
