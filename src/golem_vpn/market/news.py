"""Stored news, as the owner of a demand or an offer sees them."""

from golem_vpn.market.agreement_book import AgreementBook
from golem_vpn.market.documents import (
    AgreementEvent,
    MarketEvent,
    ProposalEvent,
    ProposalRejectedEvent,
    agreement_document,
    proposal_document,
)
from golem_vpn.store.market import MarketEventKind, MarketRepository, StoredMarketEvent, StoredProposal
from golem_vpn.store.roles import Role


class NewsReader:
    """Fills in what stored news only name."""

    def __init__(self, repository: MarketRepository, book: AgreementBook) -> None:
        self._repository = repository
        self._book = book

    async def read(self, stored: list[StoredMarketEvent]) -> list[MarketEvent]:
        """Gives news with what they are about; what is forgotten since is left out."""
        proposals = await self._repository.find_proposals({event.proposal_id for event in stored if event.proposal_id})
        found = [await self._read(event, proposals) for event in stored]
        return [event for event in found if event is not None]

    async def _read(self, event: StoredMarketEvent, proposals: dict[str, StoredProposal]) -> MarketEvent | None:
        match event.kind:
            case MarketEventKind.PROPOSAL:
                proposal = proposals.get(event.proposal_id or "")
                if proposal is None:
                    return None
                return ProposalEvent(event_date=event.date, proposal=proposal_document(proposal))
            case MarketEventKind.REJECTED:
                return ProposalRejectedEvent(
                    event_date=event.date, proposal_id=event.proposal_id or "", reason=event.reason
                )
            case MarketEventKind.AGREEMENT:
                agreement = await self._book.find(event.agreement_id or "", Role.PROVIDER)
                if agreement is None:
                    return None
                return AgreementEvent(event_date=event.date, agreement=agreement_document(agreement))
