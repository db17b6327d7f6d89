import json
from datetime import timedelta

import anyio
import msgspec
import pytest

from golem_vpn.errors import Forbidden, Gone, InvalidInput, NotFound, PeerUnreachable
from golem_vpn.market.documents import agreement_document
from golem_vpn.net.endpoint import EndpointError
from golem_vpn.net.memory import MemoryEndpoint
from golem_vpn.store.agreements import AgreementRepository, AgreementState, Role
from tests.unit.net.kit import eventually_is
from tests.unit.provider.kit import Requestor, World

pytestmark = pytest.mark.anyio


async def states(requestor: Requestor) -> list[AgreementState]:
    return [agreement.state for agreement in await requestor.agreements.list(requestor.id)]


async def test_hire_show_terminate(world: World) -> None:
    async with world.pair() as (alice, bob):
        agreement = await alice.agreements.hire(alice.id, bob.id.upper().replace("0X", "0x"), {"n": 1.5})
        assert agreement.state is AgreementState.APPROVED
        assert (agreement.requestor_id, agreement.provider_id) == (alice.id, bob.id)
        assert agreement.demand_properties == {"n": 1.5}
        assert agreement.offer_properties["golem.node.id.name"] == "bob"
        assert await alice.agreements.show(alice.id, agreement.id) == agreement
        assert await alice.agreements.list(alice.id) == [agreement]

        await alice.agreements.terminate(alice.id, agreement.id, {"message": "done"})
        ended = await alice.agreements.show(alice.id, agreement.id)
        assert (ended.state, ended.end_reason, ended.told) == (AgreementState.TERMINATED, "done", True)
        with pytest.raises(Gone):
            await alice.agreements.terminate(alice.id, agreement.id)


async def test_the_form_of_the_market_api(world: World) -> None:
    async with world.pair() as (alice, bob):
        agreement = await alice.agreements.hire(alice.id, bob.id)
        shown = json.loads(msgspec.json.encode(agreement_document(agreement)))
        assert shown["agreementId"] == agreement.id
        assert shown["state"] == "Approved"
        assert shown["demand"]["requestorId"] == alice.id
        assert shown["offer"]["providerId"] == bob.id
        assert shown["approvedDate"].endswith("Z")
        assert shown["terminatedDate"] is None


async def test_of_others_and_of_none(world: World) -> None:
    async with world.pair() as (alice, bob):
        agreement = await alice.agreements.hire(alice.id, bob.id)
        with pytest.raises(Forbidden):
            await alice.agreements.show(bob.id, agreement.id)
        with pytest.raises(Forbidden):
            await alice.agreements.terminate(bob.id, agreement.id)
        with pytest.raises(NotFound):
            await alice.agreements.show(alice.id, "0" * 64)
        assert await alice.agreements.list(bob.id) == []


async def test_a_node_id_that_is_none(world: World) -> None:
    async with world.requestor() as alice:
        with pytest.raises(InvalidInput, match="node id"):
            await alice.agreements.hire(alice.id, "bob")
        assert await states(alice) == []


async def test_a_refusal_is_kept_with_its_reason(world: World) -> None:
    async with world.pair() as (alice, bob):
        bob.strangers.add(alice.id)
        with pytest.raises(Forbidden, match="own hub only"):
            await alice.agreements.hire(alice.id, bob.id)
        [agreement] = await alice.agreements.list(alice.id)
        assert (agreement.state, agreement.told) == (AgreementState.REJECTED, True)
        assert agreement.end_reason == "this provider works for nodes of its own hub only"


async def test_a_provider_that_is_away(world: World) -> None:
    async with world.requestor() as alice:
        with pytest.raises(PeerUnreachable):
            await alice.agreements.hire(alice.id, "0x" + "b" * 40)
        [agreement] = await alice.agreements.list(alice.id)
        assert (agreement.state, agreement.told) == (AgreementState.CANCELLED, False)


async def test_a_provider_is_told_later_what_it_missed(world: World) -> None:
    async with world.pair() as (alice, bob):
        agreement = await alice.agreements.hire(alice.id, bob.id)
        world.wire.cut(alice.node.endpoint, bob.node.endpoint)
        await alice.agreements.terminate(alice.id, agreement.id, {"message": "done"})
        assert (await bob.agreements.live(alice.id, agreement.id)).state is AgreementState.APPROVED
        world.wire.mend(alice.node.endpoint, bob.node.endpoint)
        await run_until_told(alice, agreement.id)
        assert (await bob.agreements.show(alice.id, agreement.id)).end_reason == "done"


async def test_an_answer_that_got_lost_cancels_the_agreement_on_both_sides(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world.pair() as (alice, bob):
        with monkeypatch.context() as patch:
            lose_answers(alice.node.endpoint, patch)
            with pytest.raises(PeerUnreachable):
                await alice.agreements.hire(alice.id, bob.id)
        [lost] = await alice.agreements.list(alice.id)
        assert (await bob.agreements.live(alice.id, lost.id)).state is AgreementState.APPROVED
        await run_until_told(alice, lost.id)
        assert (await bob.agreements.show(alice.id, lost.id)).state is AgreementState.TERMINATED


async def test_a_caller_who_goes_away_leaves_no_agreement(world: World) -> None:
    async with world.pair() as (alice, bob):
        with anyio.CancelScope() as scope:

            def go_away(_message: bytes) -> bool:
                scope.cancel()
                return False

            alice.node.endpoint.lose = go_away
            await alice.agreements.hire(alice.id, bob.id)
        assert await states(alice) == [AgreementState.CANCELLED]


async def test_what_was_pending_when_the_daemon_was_killed_is_cancelled(world: World) -> None:
    async with world.requestor() as alice:
        with pytest.raises(PeerUnreachable):
            await alice.agreements.hire(alice.id, "0x" + "b" * 40)
        [template] = await alice.agreements.list(alice.id)
    async with world.database("alice") as database:
        pending = msgspec.structs.replace(template, id="1" * 64, state=AgreementState.PENDING, ended=None, told=True)
        await AgreementRepository(database, Role.REQUESTOR).add(pending)
    async with world.requestor() as alice, anyio.create_task_group() as tasks:
        tasks.start_soon(alice.agreements.run)

        async def is_cancelled() -> bool:
            return (await alice.agreements.show(alice.id, pending.id)).state is AgreementState.CANCELLED

        await eventually_is(True, is_cancelled)
        tasks.cancel_scope.cancel()


async def test_a_provider_that_never_comes_back_is_not_looked_for_for_ever(world: World) -> None:
    async with world.requestor() as alice:
        with pytest.raises(PeerUnreachable):
            await alice.agreements.hire(alice.id, "0x" + "b" * 40)
        [template] = await alice.agreements.list(alice.id)
    async with world.database("alice") as database:
        long_ago = template.created - timedelta(hours=2)
        old = msgspec.structs.replace(template, id="1" * 64, created=long_ago, ended=long_ago)
        await AgreementRepository(database, Role.REQUESTOR).add(old)
    async with world.requestor() as alice:
        await run_until_told(alice, old.id)


async def run_until_told(requestor: Requestor, agreement_id: str) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(requestor.agreements.run)

        async def is_told() -> bool:
            return (await requestor.agreements.show(requestor.id, agreement_id)).told

        await eventually_is(True, is_told)
        tasks.cancel_scope.cancel()


def lose_answers(endpoint: MemoryEndpoint, patch: pytest.MonkeyPatch) -> None:
    deliver = endpoint.request

    async def request(endpoint_id: bytes, addresses: list[str], message: bytes, timeout: float) -> bytes:
        answer = await deliver(endpoint_id, addresses, message, timeout)
        if b"hire" in message:
            raise EndpointError("the connection was lost", sent=True)
        return answer

    patch.setattr(endpoint, "request", request)
