import pytest

from golem_vpn.cli.net_findings import reflection_findings, relay_findings
from golem_vpn.sdk.models import Relay

URL = "https://relay.example:443#sha256=" + "ab" * 32
NODE = "0x" + "a" * 40


def relay(state: str, failure: str | None = None, rtt_ms: float | None = None) -> Relay:
    return Relay(URL, NODE, False, state, rtt_ms, failure)


@pytest.mark.parametrize("relays", [[], [relay("unused")]])
def test_no_relay_is_worth_a_note(relays: list[Relay]) -> None:
    [finding] = relay_findings(relays)
    assert not finding.ok
    assert not finding.required
    assert "golem-vpn relay" in finding.cure


def test_each_relay_has_a_line() -> None:
    good, bad, new = relay_findings(
        [relay("connected", rtt_ms=20.54), relay("failed", "wrong pin"), relay("connecting")]
    )
    assert (good.name, good.ok, good.cause) == ("relay relay.example:443", True, "connected, 20.5 ms away")
    assert (bad.ok, bad.cause) == (False, "failed: wrong pin")
    assert NODE in bad.cure
    assert (new.ok, new.cause) == (False, "connecting")


def test_the_address_that_others_see() -> None:
    [nobody] = reflection_findings({"reflected": [], "symmetric": None})
    [symmetric] = reflection_findings({"reflected": ["198.51.100.1:1", "198.51.100.1:2"], "symmetric": True})
    [good] = reflection_findings({"reflected": ["198.51.100.1:1"], "symmetric": False})
    assert (nobody.ok, symmetric.ok, good.ok) == (False, False, True)
    assert "port per destination" in symmetric.cause
    assert good.cause == "198.51.100.1:1"
