from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from golem_vpn.provider.policy import Refused, answer, consider, consider_price, terms_of
from golem_vpn.provider.presets import Policy

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ALICE = "0x" + "a" * 40
ADDRESS = "golem.com.payment.platform.erc20-holesky-tglm.address"
INTERVAL = "golem.com.scheme.payu.debit-note.interval-sec?"
ACCEPT_TIMEOUT = "golem.com.payment.debit-notes.accept-timeout?"
PACKAGE = "golem.srv.comp.task_package"
EXPIRATION = "golem.srv.comp.expiration"
CHOSEN = "golem.com.payment.chosen-platform"
SUBNET = "golem.node.debug.subnet"
VECTOR = "golem.com.usage.vector"
COEFFICIENTS = "golem.com.pricing.model.linear.coeffs"

OFFER: dict[str, Any] = {
    SUBNET: "s", "golem.runtime.name": "vm", ADDRESS: "0xb", ACCEPT_TIMEOUT: 240,
    VECTOR: ["golem.usage.duration_sec"], COEFFICIENTS: [0.5, 1.0],
}  # fmt: skip


def milliseconds(after: timedelta) -> int:
    return int((NOW + after).timestamp() * 1000)


def demand(**changes: Any) -> dict[str, Any]:
    properties = {
        SUBNET: "s", PACKAGE: "file:/images/web", EXPIRATION: milliseconds(timedelta(hours=1)), ADDRESS: ALICE,
    }  # fmt: skip
    return properties | changes


def look_at(policy: Policy, changes: dict[str, Any]) -> None:
    consider(policy, ALICE, demand(**changes), OFFER, NOW)


def test_demands_that_suit() -> None:
    look_at(Policy(), {})
    look_at(Policy(), {CHOSEN: "erc20-holesky-tglm"})
    look_at(Policy(allow=(ALICE,)), {})


def test_a_demand_without_an_end() -> None:
    consider(Policy(), ALICE, {SUBNET: "s", PACKAGE: "file:/images/web", ADDRESS: ALICE}, OFFER, NOW)


@pytest.mark.parametrize("policy", [Policy(deny=(ALICE,)), Policy(allow=("0x" + "b" * 40,))])
def test_a_requestor_that_may_not(policy: Policy) -> None:
    with pytest.raises(Refused, match="that requestor"):
        look_at(policy, {})


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({SUBNET: "other"}, "subnet"),
        ({EXPIRATION: milliseconds(timedelta(0))}, "is over"),
        ({EXPIRATION: milliseconds(timedelta(hours=721))}, "720 hours"),
        ({EXPIRATION: "tomorrow"}, "milliseconds"),
        ({EXPIRATION: 1e300}, "milliseconds"),
        ({EXPIRATION: True}, "milliseconds"),
        ({CHOSEN: "gold"}, "gold"),
        ({ADDRESS: ALICE, CHOSEN: 7}, "7"),
        ({PACKAGE: 7}, "task_package"),
        ({"golem.inf.mem.gib": -1}, "golem.inf.mem.gib"),
    ],
)
def test_demands_that_do_not_suit(changes: dict[str, Any], cause: str) -> None:
    with pytest.raises(Refused, match=cause):
        look_at(Policy(), changes)


def test_the_runtime_vm_needs_an_image() -> None:
    without = demand()
    del without[PACKAGE]
    with pytest.raises(Refused, match="image"):
        consider(Policy(), ALICE, without, OFFER, NOW)
    consider(Policy(), ALICE, without, OFFER | {"golem.runtime.name": "namespace"}, NOW)


def test_no_platform_in_common() -> None:
    other = {SUBNET: "s", PACKAGE: "file:/i", "golem.com.payment.platform.gold.address": ALICE}
    with pytest.raises(Refused, match="no payment platform"):
        consider(Policy(), ALICE, other, OFFER, NOW)
    unpaid = {name: value for name, value in OFFER.items() if name != ADDRESS}
    consider(Policy(), ALICE, other, unpaid, NOW)


def test_prices_asked_now_are_the_floor() -> None:
    consider_price(OFFER, OFFER)
    consider_price(OFFER | {COEFFICIENTS: [0.5, 1.5]}, OFFER)
    consider_price({}, {})
    for agreed in (OFFER | {COEFFICIENTS: [0.4, 1.0]}, OFFER | {VECTOR: ["golem.usage.cpu_sec"]}, {}):
        with pytest.raises(Refused, match="prices"):
            consider_price(agreed, OFFER)
    with pytest.raises(Refused, match="one number for each"):
        consider_price(OFFER | {COEFFICIENTS: []}, OFFER)


def test_an_answer_repeats_what_is_agreed() -> None:
    agreed = answer(Policy(), demand(**{INTERVAL: 120, ACCEPT_TIMEOUT: 100}), OFFER)
    assert agreed == OFFER | {INTERVAL: 120, ACCEPT_TIMEOUT: 100}
    assert answer(Policy(), demand(), OFFER) == OFFER


@pytest.mark.parametrize("interval", [59, 0, -5, "120", None, 1e300])
def test_debit_notes_too_often_are_not_agreed(interval: Any) -> None:
    asked = demand(**{INTERVAL: interval})
    agreed = answer(Policy(), asked, OFFER)
    assert INTERVAL not in agreed
    assert terms_of(asked, agreed).debit_note_interval is None


def test_the_terms_of_an_agreement() -> None:
    asked = demand(**{INTERVAL: 120})
    terms = terms_of(asked, answer(Policy(), asked, OFFER))
    assert terms.expires == NOW + timedelta(hours=1)
    assert terms.debit_note_interval == timedelta(minutes=2)
    assert terms_of({}, {}).expires is None
    assert terms_of(demand(), OFFER | {INTERVAL: 120}).debit_note_interval is None
