"""Answers requestors: proposals with a proposal that accepts, or a refusal; agreements with yes or no."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog

from golem_vpn import moments
from golem_vpn.errors import Conflict, GolemVpnError, Gone
from golem_vpn.market.documents import Proposal
from golem_vpn.market.service import MarketService
from golem_vpn.provider import policy
from golem_vpn.provider.advert import RUNTIME, Advert
from golem_vpn.provider.owner import Owner
from golem_vpn.provider.policy import Refused
from golem_vpn.store.agreements import AgreementRepository, AgreementState, StoredAgreement

APPROVAL_SECONDS = 10.0
PROMISE_TIME = timedelta(minutes=1)
"""How long room is kept for a requestor that has not heard of the yes."""

log = structlog.get_logger()

Adverts = Callable[[], Mapping[str, Advert]]
"""Gives what is to be offered now, by preset."""


class Negotiator:
    """Applies the policy, and keeps the number of agreements within it."""

    def __init__(self, market: MarketService, agreements: AgreementRepository, owner: Owner, adverts: Adverts) -> None:
        self._market = market
        self._agreements = agreements
        self._owner = owner
        self._adverts = adverts
        self._deciding: set[str] = set()
        """The agreements that may be about to be approved."""

    async def answer(self, identity: str, offer_id: str, proposal: Proposal, offer: Advert) -> None:
        """Answers a requestor's proposal about one of this node's offers."""
        offers = self._market.offers
        try:
            self._consider(proposal.issuer_id, proposal.properties, offer.properties)
            await self._check_room()
        except Refused as refusal:
            log.info("refused a proposal", requestor_id=proposal.issuer_id, reason=refusal.message)
            await offers.reject(identity, offer_id, proposal.proposal_id, {"message": refusal.message})
        else:
            properties = policy.answer(self._owner.settings.policy, proposal.properties, offer.properties)
            await offers.counter(identity, offer_id, proposal.proposal_id, properties, offer.constraints)

    async def decide(self, agreement_id: str) -> None:
        """Says yes or no to an agreement that a requestor has confirmed, unless that is done."""
        agreement = await self._agreements.find(agreement_id)
        if agreement is None or agreement.state is not AgreementState.PENDING or agreement.approved is not None:
            return
        if agreement_id in self._deciding:
            return
        self._deciding.add(agreement_id)
        try:
            self._consider(agreement.requestor_id, agreement.demand_properties, agreement.offer_properties)
            await self._check_room(besides=agreement_id)
            await self._approve(agreement)
        except Refused as refusal:
            log.info("refused an agreement", agreement_id=agreement.id, reason=refusal.message)
            await self._market.agreements.reject(agreement.provider_id, agreement.id, {"message": refusal.message})
        finally:
            self._deciding.discard(agreement_id)

    async def is_open(self) -> bool:
        """Tells whether one more agreement may be made."""
        try:
            await self._check_room()
        except Refused:
            return False
        return not self._owner.paused

    def _consider(self, requestor_id: str, demand: dict[str, Any], offer: dict[str, Any]) -> None:
        if self._owner.paused:
            raise Refused("this provider makes no agreements at the moment")
        policy.consider(self._owner.settings.policy, requestor_id, demand, offer, moments.now())
        self._consider_price(offer)

    def _consider_price(self, offer: dict[str, Any]) -> None:
        """Offers made before the settings changed are as good as those of today, or not good enough."""
        refusal = Refused("this provider does not offer that any more")
        for advert in self._adverts().values():
            if advert.properties[RUNTIME] == offer.get(RUNTIME):
                try:
                    policy.consider_price(offer, advert.properties)
                except Refused as error:
                    refusal = error
                else:
                    return
        raise refusal

    async def _check_room(self, besides: str = "") -> None:
        taken = self._deciding - {besides}
        agreements = await self._agreements.in_state(AgreementState.APPROVED, AgreementState.PENDING)
        taken |= {agreement.id for agreement in agreements if _takes_room(agreement, moments.now())}
        most = self._owner.settings.policy.max_agreements
        if len(taken) >= most:
            raise Refused(f"this provider has {most} agreements already")

    async def _approve(self, agreement: StoredAgreement) -> None:
        try:
            await self._market.agreements.approve(
                agreement.provider_id, agreement.id, app_session_id=None, timeout=APPROVAL_SECONDS
            )
        except (Conflict, Gone) as error:
            log.info("an agreement did not come about", agreement_id=agreement.id, reason=error.message)
        except GolemVpnError as error:
            log.warning("an agreement cannot be approved", agreement_id=agreement.id, error=error.message)
        else:
            log.info("hired", agreement_id=agreement.id, requestor_id=agreement.requestor_id)


def _takes_room(agreement: StoredAgreement, now: datetime) -> bool:
    """Tells whether an agreement is in force or about to be; one whose requestor went away is not waited for."""
    if agreement.state is AgreementState.APPROVED:
        return True
    return agreement.approved is not None and now - agreement.approved < PROMISE_TIME
