"""The proposals of this node's negotiations, as whoever makes agreements of them needs them."""

from golem_vpn.errors import Forbidden, Gone, InvalidInput, NotFound
from golem_vpn.market.ids import id_of, role_of
from golem_vpn.market.states import ProposalAction, after_proposal_action
from golem_vpn.store.market import MarketRepository, StoredProposal
from golem_vpn.store.roles import Role

Pair = tuple[StoredProposal, StoredProposal]
"""The proposals that an agreement is made of: the requestor's last one, and the provider's answer to it."""


class Proposals:
    """Finds the proposals that agreements are made of."""

    def __init__(self, repository: MarketRepository) -> None:
        self._repository = repository

    async def for_agreement(self, identity: str, offered_id: str) -> Pair:
        """Gives what a requestor can make an agreement of.

        Raises:
            NotFound: the requestor knows no such proposal.
            Forbidden: it is another identity's.
            InvalidInput: it is the requestor's own, or the identity is not the requestor in it.
            Conflict: it is a match only, to be answered first, or another agreement is being made of it.
            Gone: it was rejected or has expired.
        """
        offered = await self._repository.find_proposal(offered_id)
        if offered is None:
            raise NotFound(f"there is no proposal {offered_id}")
        if offered.identity != identity:
            raise Forbidden("the proposal is another identity's")
        if offered.own:
            raise InvalidInput("the proposal is your own; an agreement is made of the provider's answer to it")
        if role_of(offered_id) is not Role.REQUESTOR:
            raise InvalidInput("agreements are made by requestors, of the proposals of providers")
        after_proposal_action(offered.state, ProposalAction.ACCEPT)
        return await self._answered(offered), offered

    async def for_proposed_agreement(self, key: str, requestor_id: str) -> Pair:
        """Gives what a requestor wants to make an agreement of, at the provider.

        Raises:
            Gone: this provider has made no such proposal to that requestor, or not any more.
            Conflict: another agreement is being made of it.
        """
        offered = await self._repository.find_proposal(id_of(Role.PROVIDER, key))
        if offered is None or not offered.own or offered.other_identity != requestor_id:
            raise Gone("the provider knows no such proposal, or not any more")
        after_proposal_action(offered.state, ProposalAction.ACCEPT)
        return await self._answered(offered), offered

    async def _answered(self, proposal: StoredProposal) -> StoredProposal:
        answered = await self._repository.find_proposal(proposal.previous_id or "")
        if answered is None:
            raise Gone("the negotiation was too long ago")
        return answered
