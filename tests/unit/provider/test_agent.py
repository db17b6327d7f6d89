"""The agent against a requestor on another node, over the real market."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest

from golem_vpn import moments
from golem_vpn.errors import Gone
from golem_vpn.market.documents import Proposal, ProposalEvent, ProposalRejectedEvent
from golem_vpn.provider.advert import Surroundings
from golem_vpn.provider.agent import ProviderAgent
from golem_vpn.provider.machine import Machine
from golem_vpn.provider.owner import Owner
from golem_vpn.provider.policy import DEBIT_NOTE_INTERVAL
from golem_vpn.store.agreements import AgreementState
from tests.unit.provider.books import NotedPayments
from tests.unit.provider.kit import Provider, Requestor, World

pytestmark = pytest.mark.anyio

MACHINE = Machine(architecture="x86_64", processor="Quick", cores=1, threads=2, memory_gib=4.0, storage_gib=9.0)
SETTINGS = """\
[policy]
max_agreements = 2
[presets.plain]
runtime = "namespace"
start_price = 0.5
"""
DEMAND: dict[str, Any] = {"golem.node.debug.subnet": "s"}
CONSTRAINTS = "(&(golem.node.debug.subnet=s)\n\t(golem.com.pricing.model=linear)(golem.runtime.capabilities=vpn))"
PATIENCE = 5.0


@dataclass
class Agency:
    """A provider with its agent, and a requestor that has a demand."""

    alice: Requestor
    bob: Provider
    agent: ProviderAgent
    owner: Owner
    payments: NotedPayments
    demand_id: str = ""

    @property
    def offers(self) -> set[str]:
        """The ids of the present offers."""
        return set(self.agent.offers.values())

    async def demand(self, **properties: Any) -> None:
        """Makes the demand that the following steps are about."""
        demands = self.alice.market.demands
        self.demand_id = await demands.create(self.alice.id, DEMAND | properties, CONSTRAINTS)

    async def event(self) -> ProposalEvent | ProposalRejectedEvent:
        """Gives the next news of the demand."""
        [event] = await self.alice.market.demands.events(self.alice.id, self.demand_id, PATIENCE, 1)
        assert isinstance(event, ProposalEvent | ProposalRejectedEvent)
        return event

    async def proposal(self) -> Proposal:
        """Gives the next proposal about the demand."""
        event = await self.event()
        assert isinstance(event, ProposalEvent)
        return event.proposal

    async def counter(self, proposal: Proposal, **properties: Any) -> str:
        """Answers a proposal with the demand."""
        demands = self.alice.market.demands
        return await demands.counter(
            self.alice.id, self.demand_id, proposal.proposal_id, DEMAND | properties, CONSTRAINTS
        )

    async def proposed(self, draft: Proposal) -> str:
        """Makes an agreement that is not confirmed yet."""
        return await self.alice.agreements.create(
            self.alice.id, draft.proposal_id, moments.now() + timedelta(minutes=1)
        )

    async def confirmed(self, draft: Proposal) -> str:
        """Asks for an agreement."""
        agreement_id = await self.proposed(draft)
        await self.alice.agreements.confirm(self.alice.id, agreement_id, "session")
        return agreement_id

    async def agree(self, **properties: Any) -> str:
        """Goes all the way to an approved agreement."""
        await self.demand(**properties)
        await self.counter(await self.proposal(), **properties)
        agreement_id = await self.confirmed(await self.proposal())
        await self.alice.agreements.wait(self.alice.id, agreement_id, PATIENCE)
        return agreement_id


@asynccontextmanager
async def agency(world: World, settings: str = SETTINGS) -> AsyncIterator[Agency]:
    async with world.pair() as (alice, bob):
        async with running_agent(alice, bob, world.directory, settings) as one:
            yield one


@asynccontextmanager
async def running_agent(alice: Requestor, bob: Provider, directory: Path, settings: str) -> AsyncIterator[Agency]:
    (directory / "presets.toml").write_text(settings)
    owner, payments = Owner(directory), NotedPayments()
    await owner.open()
    surroundings = Surroundings(node_name="bob", subnet="s", machine=MACHINE, accounts={})
    agent = ProviderAgent(bob.id, bob.database, bob.market, payments, bob.activities, owner, surroundings)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(agent.run)
        yield Agency(alice, bob, agent, owner, payments)
        tasks.cancel_scope.cancel()


async def until(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(PATIENCE):
        while not condition():
            await anyio.sleep(0.01)


async def test_from_a_demand_to_an_invoice(world: World) -> None:
    async with agency(world) as one:
        await one.demand()
        initial = await one.proposal()
        assert initial.state == "Initial"
        counter = await one.counter(initial)
        draft = await one.proposal()
        assert (draft.state, draft.prev_proposal_id) == ("Draft", counter)
        agreement_id = await one.confirmed(draft)
        await one.alice.agreements.wait(one.alice.id, agreement_id, PATIENCE)
        activity_id = await one.alice.activities.create(one.alice.id, agreement_id)
        await one.alice.agreements.terminate(one.alice.id, agreement_id, {"message": "done"})
        with anyio.fail_after(PATIENCE):
            await one.payments.asked.wait()
        assert one.payments.invoices == [(agreement_id, [activity_id], Decimal("0.5"))]


async def test_a_demand_gets_a_new_proposal_after_its_agreement_has_ended(world: World) -> None:
    async with agency(world) as one:
        agreement_id = await one.agree()
        before = one.offers
        await one.alice.agreements.terminate(one.alice.id, agreement_id, None)
        again = await one.proposal()
        assert again.state == "Initial"
        assert one.offers != before
        await one.counter(again)
        agreement_id = await one.confirmed(await one.proposal())
        await one.alice.agreements.wait(one.alice.id, agreement_id, PATIENCE)


async def test_a_demand_gets_another_proposal_while_its_agreement_is_in_force(world: World) -> None:
    async with agency(world) as one:
        await one.agree()
        again = await one.proposal()
        assert again.state == "Initial"
        await one.counter(again)
        agreement_id = await one.confirmed(await one.proposal())
        await one.alice.agreements.wait(one.alice.id, agreement_id, PATIENCE)


async def test_a_draft_that_is_answered_again_gets_another_answer(world: World) -> None:
    async with agency(world) as one:
        await one.demand()
        await one.counter(await one.proposal())
        first = await one.proposal()
        second_counter = await one.counter(first)
        second = await one.proposal()
        assert second.prev_proposal_id == second_counter
        await one.alice.agreements.wait(one.alice.id, await one.confirmed(second), PATIENCE)


async def test_the_interval_of_debit_notes_is_agreed(world: World) -> None:
    async with agency(world) as one:
        await one.demand()
        await one.counter(await one.proposal(), **{DEBIT_NOTE_INTERVAL: 120})
        assert (await one.proposal()).properties[DEBIT_NOTE_INTERVAL] == 120


async def test_a_demand_against_the_policy_is_refused_with_the_reason(world: World) -> None:
    async with agency(world) as one:
        await one.demand()
        await one.counter(await one.proposal(), **{"golem.srv.comp.expiration": 1})
        event = await one.event()
        assert isinstance(event, ProposalRejectedEvent)
        assert event.reason == {"message": "golem.srv.comp.expiration is over"}


async def test_several_agreements_but_no_more_than_there_is_room_for(world: World) -> None:
    async with agency(world) as one:
        await one.demand()
        drafts = []
        for _ in range(3):
            await one.demand()
            await one.counter(await one.proposal())
            drafts.append(await one.proposal())
        first, second, third = [await one.confirmed(draft) for draft in drafts]
        for agreement_id in (first, second):
            await one.alice.agreements.wait(one.alice.id, agreement_id, PATIENCE)
        with pytest.raises(Gone, match="Rejected"):
            await one.alice.agreements.wait(one.alice.id, third, PATIENCE)
        await until(lambda: not one.offers)
        await one.alice.agreements.terminate(one.alice.id, first, None)
        await until(lambda: bool(one.offers))


async def test_a_pause_withdraws_the_offers_and_leaves_agreements(world: World) -> None:
    async with agency(world) as one:
        agreement_id = await one.agree()
        await one.agent.pause()
        await until(lambda: not world.board.offers)
        status = await one.agent.status()
        assert (status.paused, status.offers, status.agreements) == (True, {}, 1)
        await one.agent.resume()
        await until(lambda: bool(world.board.offers))
        agreement = await one.alice.agreements.show(one.alice.id, agreement_id)
        assert agreement.state is AgreementState.APPROVED


async def test_a_raised_price_holds_for_what_is_not_agreed_yet(world: World) -> None:
    async with agency(world) as one:
        await one.demand()
        await one.counter(await one.proposal())
        draft = await one.proposal()
        before = one.offers
        one.owner.settings_path.write_text(SETTINGS.replace("0.5", "0.75"))
        await until(lambda: one.offers not in (set(), before))
        with pytest.raises(Gone, match="Rejected"):
            await one.alice.agreements.wait(one.alice.id, await one.confirmed(draft), PATIENCE)
        [preset] = one.agent.presets()
        assert preset.start_price == Decimal("0.75")


async def test_negotiations_go_on_over_a_restart(world: World) -> None:
    async with world.pair() as (alice, bob):
        async with running_agent(alice, bob, world.directory, SETTINGS) as one:
            await one.demand()
            await one.counter(await one.proposal())
            demand_id, draft = one.demand_id, await one.proposal()
            pending = await one.proposed(draft)
        await alice.agreements.confirm(alice.id, pending, None)
        async with running_agent(alice, bob, world.directory, SETTINGS) as one:
            one.demand_id = demand_id
            await alice.agreements.wait(alice.id, pending, PATIENCE)
            assert (await one.proposal()).state == "Initial"


async def test_an_offer_is_answered_though_its_daemon_ended_as_it_was_shown(world: World) -> None:
    async with world.pair() as (alice, bob):
        with anyio.CancelScope() as first_run:
            world.board.on_change(lambda shown, withdrawn: first_run.cancel())
            async with running_agent(alice, bob, world.directory, SETTINGS):
                await anyio.sleep_forever()
        demand_id = await alice.market.demands.create(alice.id, DEMAND, CONSTRAINTS)
        async with running_agent(alice, bob, world.directory, SETTINGS) as one:
            one.demand_id = demand_id
            await one.counter(await one.proposal())
            with anyio.fail_after(PATIENCE):
                while (await one.proposal()).state != "Draft":
                    pass


async def test_a_node_that_hires_itself(world: World) -> None:
    async with world.provider() as bob, world.requestor("alice", within=bob) as alice:
        async with running_agent(alice, bob, world.directory, SETTINGS) as one:
            agreement_id = await one.agree()
            await one.alice.agreements.terminate(one.alice.id, agreement_id, None)
            with anyio.fail_after(PATIENCE):
                await one.payments.asked.wait()
