"""Agreements between two nodes: every way that one can go, with lost messages and nodes that are away."""

from datetime import timedelta

import anyio
import pytest

from golem_vpn import moments
from golem_vpn.errors import Conflict, Forbidden, Gone, InvalidInput, NotYet
from golem_vpn.market.ids import key_of, new_key
from golem_vpn.market.messages import (
    ApproveAgreement,
    CancelAgreement,
    ProposeAgreement,
    RejectAgreement,
    TerminateAgreement,
)
from golem_vpn.net.endpoint import EndpointError
from golem_vpn.net.memory import MemoryEndpoint
from golem_vpn.store.agreement_events import AgreementEventKind
from golem_vpn.store.agreements import AgreementState, Role
from tests.unit.market.kit import asked, created, demand, negotiated, news, offer, settling, states
from tests.unit.net.kit import eventually_is
from tests.unit.provider.kit import Provider, Requestor, World

pytestmark = pytest.mark.anyio

S = AgreementState
EPOCH = moments.parse("1970-01-01T00:00:00Z")


async def proposal(alice: Requestor, bob: Provider, seconds: float = 3600) -> tuple[str, str]:
    """Makes an agreement that is to be confirmed; gives the ids of the offer and of the agreement."""
    demand_id, offer_id = await demand(alice), await offer(bob)
    return offer_id, await created(alice, await negotiated(alice, demand_id, bob, offer_id), seconds)


async def pending(alice: Requestor, bob: Provider, seconds: float = 3600) -> str:
    """Makes an agreement that the provider is to approve."""
    offer_id, agreement_id = await proposal(alice, bob, seconds)
    await alice.agreements.confirm(alice.id, agreement_id, "session")
    await asked(bob, offer_id)
    return agreement_id


async def approved(alice: Requestor, bob: Provider) -> str:
    """Makes an agreement that is in force."""
    agreement_id = await pending(alice, bob)
    await bob.market.agreements.approve(bob.id, agreement_id)
    return agreement_id


async def until_both_are(alice: Requestor, bob: Provider, agreement_id: str, *expected: AgreementState) -> None:
    async with settling(alice), settling(bob):
        await eventually_is(list(expected), lambda: states(alice, bob, agreement_id))


async def kinds(side: Requestor | Provider) -> list[AgreementEventKind]:
    return [event.kind for event in await side.market.agreements.events(side.id, EPOCH)]


async def test_only_what_was_confirmed_is_approved_and_only_once(world: World) -> None:
    async with world.pair() as (alice, bob):
        offer_id, agreement_id = await proposal(alice, bob)
        with pytest.raises(Conflict, match="not confirmed"):
            await alice.agreements.wait(alice.id, agreement_id, 0)
        assert await news(bob, offer_id, timeout=0) == []
        await alice.agreements.confirm(alice.id, agreement_id)
        with pytest.raises(Conflict, match="Pending"):
            await alice.agreements.confirm(alice.id, agreement_id)
        with pytest.raises(NotYet):
            await alice.agreements.wait(alice.id, agreement_id, 0)
        with pytest.raises(Conflict):
            await alice.agreements.terminate(alice.id, agreement_id)
        await asked(bob, offer_id)
        await bob.market.agreements.approve(bob.id, agreement_id, "provider's session")
        with pytest.raises(Conflict, match="Approved"):
            await bob.market.agreements.approve(bob.id, agreement_id)
        assert await states(alice, bob, agreement_id) == [S.APPROVED, S.APPROVED]
        assert (await kinds(alice), await kinds(bob)) == ([AgreementEventKind.APPROVED], [AgreementEventKind.APPROVED])


async def test_whoever_waits_hears_of_the_approval_at_once(world: World) -> None:
    async with world.pair() as (alice, bob):
        agreement_id = await pending(alice, bob)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(alice.agreements.wait, alice.id, agreement_id, 30)
            await bob.market.agreements.approve(bob.id, agreement_id)


async def test_a_provider_says_no(world: World) -> None:
    async with world.pair() as (alice, bob):
        agreement_id = await pending(alice, bob)
        await bob.market.agreements.reject(bob.id, agreement_id, {"message": "no room"})
        assert await states(alice, bob, agreement_id) == [S.REJECTED, S.REJECTED]
        [event] = await alice.agreements.events(alice.id, EPOCH, app_session_id="session")
        assert (event.kind, event.reason) == (AgreementEventKind.REJECTED, {"message": "no room"})
        for step in (
            alice.agreements.wait(alice.id, agreement_id, 0),
            alice.agreements.cancel(alice.id, agreement_id),
            alice.agreements.terminate(alice.id, agreement_id),
            bob.market.agreements.approve(bob.id, agreement_id),
        ):
            with pytest.raises(Gone, match="Rejected"):
                await step


async def test_a_requestor_takes_it_back(world: World) -> None:
    async with world.pair() as (alice, bob):
        agreement_id = await pending(alice, bob)
        await alice.agreements.cancel(alice.id, agreement_id)
        assert await states(alice, bob, agreement_id) == [S.CANCELLED, S.CANCELLED]
        with pytest.raises(Gone, match="Cancelled"):
            await bob.market.agreements.approve(bob.id, agreement_id)
        assert await kinds(bob) == [AgreementEventKind.CANCELLED]


async def test_what_was_never_confirmed_can_be_taken_back(world: World) -> None:
    async with world.pair() as (alice, bob):
        offer_id, agreement_id = await proposal(alice, bob)
        await alice.agreements.cancel(alice.id, agreement_id)
        assert (await alice.agreements.show(alice.id, agreement_id)).told
        assert await news(bob, offer_id, timeout=0) == []


@pytest.mark.parametrize("ender", Role)
async def test_either_side_ends_it(world: World, ender: Role) -> None:
    async with world.pair() as (alice, bob):
        agreement_id = await approved(alice, bob)
        side = alice if ender is Role.REQUESTOR else bob
        await side.market.agreements.terminate(side.id, agreement_id, {"message": "enough", "code": 7})
        assert await states(alice, bob, agreement_id) == [S.TERMINATED, S.TERMINATED]
        for one in (alice, bob):
            event = (await one.market.agreements.events(one.id, EPOCH))[-1]
            assert event.kind is AgreementEventKind.TERMINATED
            assert (event.terminator, event.reason) == (ender, {"message": "enough", "code": 7})


async def test_a_provider_that_is_away_is_asked_later(world: World) -> None:
    async with world.pair() as (alice, bob):
        offer_id, agreement_id = await proposal(alice, bob)
        world.wire.cut(alice.node.endpoint, bob.node.endpoint)
        await alice.agreements.confirm(alice.id, agreement_id)
        world.wire.mend(alice.node.endpoint, bob.node.endpoint)
        async with settling(alice):
            assert (await asked(bob, offer_id)).agreement_id == agreement_id
        await bob.market.agreements.approve(bob.id, agreement_id)
        await alice.agreements.wait(alice.id, agreement_id, 0)


async def test_an_approval_waits_for_a_requestor_that_is_away(world: World) -> None:
    async with world.pair() as (alice, bob):
        agreement_id = await pending(alice, bob)
        world.wire.cut(alice.node.endpoint, bob.node.endpoint)
        with pytest.raises(NotYet):
            await bob.market.agreements.approve(bob.id, agreement_id, timeout=0.1)
        assert await states(alice, bob, agreement_id) == [S.PENDING, S.PENDING]
        world.wire.mend(alice.node.endpoint, bob.node.endpoint)
        await until_both_are(alice, bob, agreement_id, S.APPROVED, S.APPROVED)


async def test_a_requestor_who_took_it_back_unheard_does_not_get_it(world: World) -> None:
    async with world.pair() as (alice, bob):
        agreement_id = await pending(alice, bob)
        world.wire.cut(alice.node.endpoint, bob.node.endpoint)
        await alice.agreements.cancel(alice.id, agreement_id)
        with pytest.raises(NotYet):
            await bob.market.agreements.approve(bob.id, agreement_id, timeout=0.1)
        world.wire.mend(alice.node.endpoint, bob.node.endpoint)
        await until_both_are(alice, bob, agreement_id, S.CANCELLED, S.CANCELLED)


async def test_an_approval_whose_answer_got_lost(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async with world.pair() as (alice, bob):
        agreement_id = await pending(alice, bob)
        with monkeypatch.context() as patch:
            lose_answers(bob.node.endpoint, patch, b"approve-agreement")
            with pytest.raises(NotYet):
                await bob.market.agreements.approve(bob.id, agreement_id, timeout=1.5)
        assert await states(alice, bob, agreement_id) == [S.APPROVED, S.PENDING]
        # Whoever makes an activity shows that it has heard.
        assert (await bob.agreements.live(alice.id, agreement_id)).state is S.APPROVED
        assert await states(alice, bob, agreement_id) == [S.APPROVED, S.APPROVED]


async def test_an_end_that_comes_before_the_answer_to_the_approval(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world.pair() as (alice, bob):
        agreement_id = await pending(alice, bob)
        with monkeypatch.context() as patch:
            lose_answers(bob.node.endpoint, patch, b"approve-agreement")
            with pytest.raises(NotYet):
                await bob.market.agreements.approve(bob.id, agreement_id, timeout=1.5)
        await alice.agreements.terminate(alice.id, agreement_id)
        assert await states(alice, bob, agreement_id) == [S.TERMINATED, S.TERMINATED]
        assert await kinds(bob) == [AgreementEventKind.APPROVED, AgreementEventKind.TERMINATED]


async def test_an_end_is_told_later_to_a_side_that_is_away(world: World) -> None:
    async with world.pair() as (alice, bob):
        agreement_id = await approved(alice, bob)
        world.wire.cut(alice.node.endpoint, bob.node.endpoint)
        await bob.market.agreements.terminate(bob.id, agreement_id)
        assert await states(alice, bob, agreement_id) == [S.APPROVED, S.TERMINATED]
        world.wire.mend(alice.node.endpoint, bob.node.endpoint)
        await until_both_are(alice, bob, agreement_id, S.TERMINATED, S.TERMINATED)


async def test_what_nobody_approves_in_time_expires(world: World) -> None:
    async with world.pair() as (alice, bob):
        agreement_id = await pending(alice, bob, seconds=3)
        await anyio.sleep(3)
        with pytest.raises(Gone, match="Expired"):
            await bob.market.agreements.approve(bob.id, agreement_id)
        await until_both_are(alice, bob, agreement_id, S.EXPIRED, S.EXPIRED)
        with pytest.raises(Gone, match="Expired"):
            await alice.agreements.wait(alice.id, agreement_id, 0)


async def test_what_is_over_before_it_is_made(world: World) -> None:
    async with world.pair() as (alice, bob):
        demand_id, offer_id = await demand(alice), await offer(bob)
        draft = await negotiated(alice, demand_id, bob, offer_id)
        with pytest.raises(InvalidInput, match="over already"):
            await created(alice, draft, seconds=-1)
        agreement_id = await created(alice, draft, seconds=0.2)
        await anyio.sleep(0.3)
        with pytest.raises(Gone, match="Expired"):
            await alice.agreements.confirm(alice.id, agreement_id)


async def test_an_offer_that_goes_turns_down_what_waits_for_it(world: World) -> None:
    async with world.pair() as (alice, bob):
        offer_id, agreement_id = await proposal(alice, bob)
        await alice.agreements.confirm(alice.id, agreement_id)
        await bob.market.offers.remove(bob.id, offer_id)
        with pytest.raises(Gone, match="Rejected"):
            await alice.agreements.wait(alice.id, agreement_id, 5)


async def test_a_provider_that_knows_no_such_proposal_has_it_rejected(world: World) -> None:
    async with world.pair() as (alice, bob):
        offer_id, agreement_id = await proposal(alice, bob)
        await bob.market.offers.remove(bob.id, offer_id)
        await alice.agreements.confirm(alice.id, agreement_id)
        with pytest.raises(Gone, match="Rejected"):
            await alice.agreements.wait(alice.id, agreement_id, 0)
        assert (await alice.agreements.show(alice.id, agreement_id)).end_reason


async def test_a_wish_that_is_told_several_times_at_once_is_one(world: World) -> None:
    async with world.pair() as (alice, bob):
        offer_id, agreement_id = await proposal(alice, bob)
        agreement = await alice.agreements.show(alice.id, agreement_id)
        created, proposal_key = moments.now(), key_of(agreement.proposal_id or "")
        wish = ProposeAgreement(agreement_id, proposal_key, alice.id, created, agreement.valid_to)
        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(alice.node.control.request, bob.id, wish, type(None))
        assert len(await news(bob, offer_id)) == 1
        assert await news(bob, offer_id, timeout=0) == []


async def test_nobody_decides_for_another(world: World) -> None:
    async with world.pair() as (alice, bob), world.requestor("mallory") as mallory:
        for node in (alice.node, bob.node):
            mallory.node.knows(node)
            node.knows(mallory.node)
        agreement_id = await pending(alice, bob)
        agreement = await alice.agreements.show(alice.id, agreement_id)
        now, later = moments.now(), moments.now() + timedelta(hours=1)
        for victim, message in (
            (alice, ApproveAgreement(agreement_id, now)),
            (alice, RejectAgreement(agreement_id, None)),
            (alice, TerminateAgreement(agreement_id, Role.PROVIDER, None)),
            (bob, CancelAgreement(agreement_id, None)),
            (bob, TerminateAgreement(agreement_id, Role.REQUESTOR, None)),
            (bob, ProposeAgreement(agreement_id, key_of(agreement.proposal_id or ""), mallory.id, now, later)),
            (bob, ProposeAgreement(new_key(), key_of(agreement.proposal_id or ""), alice.id, now, later)),
        ):
            with pytest.raises(Forbidden):
                await mallory.node.control.request(victim.id, message, type(None))
        with pytest.raises(Gone, match="no such proposal"):
            await mallory.node.control.request(
                bob.id, ProposeAgreement(new_key(), key_of(agreement.proposal_id or ""), mallory.id, now, later), object
            )
        assert await states(alice, bob, agreement_id) == [S.PENDING, S.PENDING]


async def test_messages_about_nothing(world: World) -> None:
    async with world.pair() as (alice, bob):
        for message in (
            CancelAgreement(new_key(), None),
            TerminateAgreement(new_key(), Role.REQUESTOR, None),
            RejectAgreement(new_key(), None),
        ):
            await alice.node.control.request(bob.id, message, type(None))
        agreement_id = await approved(alice, bob)
        with pytest.raises(InvalidInput, match="at most"):
            await alice.agreements.terminate(alice.id, agreement_id, {"message": "x" * 20_000})
        long_message = TerminateAgreement(agreement_id, Role.REQUESTOR, {"message": "x" * 20_000})
        with pytest.raises(InvalidInput, match="at most"):
            await alice.node.control.request(bob.id, long_message, type(None))


def lose_answers(endpoint: MemoryEndpoint, patch: pytest.MonkeyPatch, kind: bytes) -> None:
    """Has messages of a kind arrive whose answers do not."""
    deliver = endpoint.request

    async def request(endpoint_id: bytes, addresses: list[str], message: bytes, timeout: float) -> bytes:
        answer = await deliver(endpoint_id, addresses, message, timeout)
        if kind in message:
            raise EndpointError("the connection was lost", sent=True)
        return answer

    patch.setattr(endpoint, "request", request)
