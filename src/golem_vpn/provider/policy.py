"""Whether this provider takes a demand, and on which terms: asked before a proposal, and again before an agreement."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeGuard

import msgspec

from golem_vpn.errors import InvalidInput
from golem_vpn.provider import pricing
from golem_vpn.provider.advert import ACCEPT_TIMEOUT, RUNTIME, SUBNET
from golem_vpn.provider.offer import TASK_PACKAGE, limits_of, task_package_of
from golem_vpn.provider.presets import Policy

EXPIRATION = "golem.srv.comp.expiration"
DEBIT_NOTE_INTERVAL = "golem.com.scheme.payu.debit-note.interval-sec?"
CHOSEN_PLATFORM = "golem.com.payment.chosen-platform"
PLATFORM_PREFIX = "golem.com.payment.platform."

LONGEST_INTERVAL_SECONDS = 10 * 365 * 24 * 3600


class Refused(InvalidInput):
    """The demand does not suit this provider."""


class Terms(msgspec.Struct, frozen=True):
    """What an agreement binds this provider to."""

    expires: datetime | None
    debit_note_interval: timedelta | None


def consider(
    policy: Policy, requestor_id: str, demand: Mapping[str, Any], offer: Mapping[str, Any], now: datetime
) -> None:
    """Looks whether a demand suits the policy and an offer.

    Raises:
        Refused: it does not; the message tells the requestor why.
    """
    _check_requestor(policy, requestor_id)
    if demand.get(SUBNET) != offer.get(SUBNET):
        raise Refused(f"{SUBNET} is {demand.get(SUBNET)!r}, this provider's is {offer.get(SUBNET)!r}")
    _check_expiration(policy, demand, now)
    _check_payload(demand, offer)
    _check_platform(demand, offer)


def consider_price(agreed: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Looks whether an agreement's prices are those asked now, or more.

    Raises:
        Refused: one is less, or they are prices of something else.
    """
    try:
        now, then = pricing.priced(asked), pricing.priced(agreed)
    except InvalidInput as error:
        raise Refused(error.message) from None
    if now is None:
        return
    if then is None or then[0] != now[0] or any(paid < price for paid, price in zip(then[1], now[1], strict=True)):
        raise Refused("this provider asks other prices now")


def answer(policy: Policy, demand: Mapping[str, Any], offer: Mapping[str, Any]) -> dict[str, Any]:
    """Gives the properties of a proposal that accepts a demand: the offer's, and what the demand asks besides."""
    interval = demand.get(DEBIT_NOTE_INTERVAL)
    properties = {**offer}
    if _is_number(interval) and policy.least_debit_note_seconds <= interval <= LONGEST_INTERVAL_SECONDS:
        properties[DEBIT_NOTE_INTERVAL] = interval
    if _is_number(timeout := demand.get(ACCEPT_TIMEOUT)):
        properties[ACCEPT_TIMEOUT] = timeout
    return properties


def terms_of(demand: Mapping[str, Any], offer: Mapping[str, Any]) -> Terms:
    """Reads an agreement; what a demand wants and the offer did not repeat is not agreed."""
    interval = offer.get(DEBIT_NOTE_INTERVAL)
    if not _is_number(interval) or interval != demand.get(DEBIT_NOTE_INTERVAL):
        return Terms(_expiration(demand), None)
    return Terms(_expiration(demand), timedelta(seconds=interval))


def _check_requestor(policy: Policy, requestor_id: str) -> None:
    if requestor_id in policy.deny or (policy.allow and requestor_id not in policy.allow):
        raise Refused("this provider does not work for that requestor")


def _check_expiration(policy: Policy, demand: Mapping[str, Any], now: datetime) -> None:
    if EXPIRATION not in demand:
        return
    expires = _expiration(demand)
    if expires is None:
        raise Refused(f"{EXPIRATION} has to be a moment in milliseconds since 1970")
    if expires <= now:
        raise Refused(f"{EXPIRATION} is over")
    if expires > now + timedelta(hours=policy.max_hours):
        raise Refused(f"{EXPIRATION} is more than {policy.max_hours} hours away")


def _check_payload(demand: Mapping[str, Any], offer: Mapping[str, Any]) -> None:
    try:
        task_package_of({**demand})
        limits_of(demand)
    except InvalidInput as error:
        raise Refused(error.message) from None
    if offer.get(RUNTIME) == "vm" and TASK_PACKAGE not in demand:
        raise Refused(f"the runtime vm needs an image: {TASK_PACKAGE}")


def _check_platform(demand: Mapping[str, Any], offer: Mapping[str, Any]) -> None:
    """Looks for a platform that both know; a demand need not choose one."""
    known = {name for name in offer if name.startswith(PLATFORM_PREFIX) and name.endswith(".address")}
    chosen = demand.get(CHOSEN_PLATFORM)
    if chosen is not None and f"{PLATFORM_PREFIX}{chosen}.address" not in known:
        raise Refused(f"this provider takes no payments by {str(chosen)[:64]!r}")
    if known and known.isdisjoint(demand):
        raise Refused("the demand names no payment platform of this provider")


def _expiration(demand: Mapping[str, Any]) -> datetime | None:
    value = demand.get(EXPIRATION)
    if not _is_number(value):
        return None
    try:
        return datetime.fromtimestamp(value / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
