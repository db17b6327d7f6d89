"""The provider's side of agreements: who may hire this node."""

import re
import secrets
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import anyio

from golem_vpn.errors import Conflict, Forbidden, Gone, InvalidInput, NotFound
from golem_vpn.market.agreements import AgreementService
from golem_vpn.market.messages import Hire, Hired
from golem_vpn.net.control import Control
from golem_vpn.net.directory import Directory
from golem_vpn.provider.offer import limits_of, offer_properties, task_package_of
from golem_vpn.store.agreements import AgreementRepository, AgreementState, Role, StoredAgreement

_AGREEMENT_ID = re.compile(r"[0-9a-f]{64}")

IsKnown = Callable[[str], Awaitable[bool]]
"""Says whether a node, by its node id, has joined a hub of this one."""


def joined_with(directory: Directory) -> IsKnown:
    """Knows the nodes of the hubs that this node has joined, and of its own."""

    async def is_known(node_id: str) -> bool:
        return any(entry.node_id == node_id for entry in await directory.nodes())

    return is_known


class ProviderAgreements:
    """Lets other nodes' requestors hire this node, and this node's own, and knows whose agreements are whose."""

    def __init__(
        self,
        control: Control,
        agreements: AgreementService,
        repository: AgreementRepository,
        is_known: IsKnown,
        node_name: str,
        maximum: int,
    ) -> None:
        self._control = control
        self._agreements = agreements
        self._repository = repository
        self._is_known = is_known
        self._node_name = node_name
        self._maximum = maximum
        self._hiring = anyio.Lock()

    async def hire(self, sender: str, message: Hire) -> Hired:
        """Accepts an agreement; one that was accepted before, again.

        Raises:
            InvalidInput: the demand is not one that this provider can follow.
            Forbidden: the sender is not the requestor, or unknown here.
            Conflict: there are as many agreements as there may be.
            Gone: that agreement has ended.
        """
        if not _AGREEMENT_ID.fullmatch(message.agreement_id):
            raise InvalidInput("an agreement id has 64 hex digits")
        self.check_identity(sender, message.requestor_id)
        if sender != self._control.node_id and not await self._is_known(sender):
            raise Forbidden("this provider works for nodes of its own hub only")
        task_package_of(message.demand_properties)
        limits_of(message.demand_properties)
        async with self._hiring:
            known = await self._repository.find(message.agreement_id)
            if known is not None:
                return _hired(await self.live(sender, known.id))
            if len(await self._repository.in_state(AgreementState.APPROVED)) >= self._maximum:
                raise Conflict(f"this provider has {self._maximum} agreements already")
            agreement = self._accept(message)
            await self._agreements.accept_hire(agreement)
        return _hired(agreement)

    async def show(self, sender: str, agreement_id: str) -> StoredAgreement:
        """Gives an agreement of the sender's.

        Raises:
            NotFound: there is none of that id.
            Forbidden: the sender is not its requestor.
        """
        agreement = await self._repository.find(agreement_id)
        if agreement is None:
            raise NotFound(f"this provider has no agreement {agreement_id}")
        self.check_identity(sender, agreement.requestor_id)
        return agreement

    async def live(self, sender: str, agreement_id: str) -> StoredAgreement:
        """Gives an agreement of the sender's that is in force.

        Raises:
            NotFound: there is none of that id.
            Forbidden: the sender is not its requestor.
            Gone: it has ended.
        """
        # Whoever acts under the agreement knows that it is approved, even while the answer that says so is under way.
        agreement = await self._agreements.acknowledge(await self.show(sender, agreement_id))
        if agreement.state is not AgreementState.APPROVED:
            raise Gone("the agreement has ended")
        return agreement

    def check_identity(self, sender: str, identity: str) -> None:
        """Makes sure that an identity is one that the sender has proven to be its own.

        Raises:
            Forbidden: it is not.
        """
        if not self._control.proves(sender, identity):
            raise Forbidden(f"{identity} is not an identity of the node that asks")

    def _accept(self, message: Hire) -> StoredAgreement:
        return StoredAgreement(
            id=message.agreement_id,
            role=Role.PROVIDER,
            requestor_id=message.requestor_id,
            provider_id=self._control.node_id,
            demand_id=message.demand_id,
            demand_properties=message.demand_properties,
            offer_id=f"{secrets.token_hex(16)}-{secrets.token_hex(32)}",
            offer_properties=offer_properties(self._node_name),
            created=message.created,
            valid_to=message.valid_to,
            state=AgreementState.APPROVED,
            approved=datetime.now(UTC),
        )


def _hired(agreement: StoredAgreement) -> Hired:
    return Hired(
        provider_id=agreement.provider_id,
        offer_id=agreement.offer_id,
        offer_properties=agreement.offer_properties,
        approved=agreement.approved or agreement.created,
    )
