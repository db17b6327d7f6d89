from datetime import timedelta
from pathlib import Path

import pytest

from golem_vpn.errors import Conflict, Forbidden, InvalidInput, Overloaded
from golem_vpn.market.board_messages import FollowOffers, ListOwnOffers, OffersChanged, OffersPage, PublishOffers
from golem_vpn.market.signed_offer import SignedOffer
from golem_vpn.net.memory import MemoryWire
from tests.unit.market.board_kit import boards, make_offer, make_signed
from tests.unit.net.kit import Cluster, Station, cluster, eventually

pytestmark = pytest.mark.anyio


@pytest.fixture
def wire() -> MemoryWire:
    return MemoryWire()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("golem_vpn.market.board.TICK_SECONDS", 0.02)
    monkeypatch.setattr("golem_vpn.market.hub_board.TICK_SECONDS", 0.02)


async def restart(nodes: Cluster, hub: Station) -> Station:
    """Starts a hub again where it was before."""
    again = await nodes.start("hub", hub=True)
    again.endpoint.addresses = hub.endpoint.addresses
    return again


async def test_an_offer_comes_to_all_members_and_goes_with_its_withdrawal(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        others = [await nodes.start(name, join=hub) for name in ("alice", "bob")]
        async with boards(hub, *others) as everyone:
            _, _, bob = everyone
            early = await bob.publish(mem=1)
            await eventually(lambda: all(it.knows(early) for it in everyone))
            late = await bob.publish(mem=2)
            await eventually(lambda: all(it.knows(early, late) for it in everyone))
            await bob.board.withdraw(early.id)
            assert bob.knows(late)
            await eventually(lambda: all(it.knows(late) for it in everyone))
            for it in everyone:
                assert (it.added, it.removed) == ([early.id, late.id], [early.id])


async def test_who_does_not_follow_can_publish_all_the_same(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        alice, bob = await nodes.start("alice", join=hub), await nodes.start("bob", join=hub)
        async with boards(hub, bob) as everyone, boards(alice, follow=False) as [seller]:
            others = await everyone[1].publish()
            own = await seller.publish()
            await eventually(lambda: all(it.knows(others, own) for it in everyone))
            assert seller.knows(own)
            seller.board.follow()
            await eventually(lambda: seller.knows(others, own))


async def test_who_joins_later_learns_what_is_there_in_pages(
    wire: MemoryWire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("golem_vpn.market.offer_log.PAGE_BYTES", 1000)
    monkeypatch.setattr("golem_vpn.market.hub_link.BATCH_BYTES", 1000)
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        alice, bob = await nodes.start("alice"), await nodes.start("bob", join=hub)
        async with boards(hub, alice, bob) as (_, late, publisher):
            offers = [await publisher.publish(number=number) for number in range(40)]
            assert late.knows()
            await alice.node.directory.join(await hub.node.directory.ticket())
            await eventually(lambda: late.knows(*offers))


async def test_a_node_without_others(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        async with boards(await nodes.start("alone"), await nodes.start("hub", hub=True)) as everyone:
            for it in everyone:
                offer = await it.publish()
                assert it.knows(offer)
                await it.board.withdraw(offer.id)
                await it.board.withdraw(offer.id)
                assert it.knows()


async def test_what_cannot_be_published(wire: MemoryWire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("golem_vpn.market.board.MAX_MEMBER_OFFERS", 1)
    async with cluster(wire, tmp_path) as nodes:
        async with boards(await nodes.start("alice")) as [alice]:
            with pytest.raises(InvalidInput, match="no identity of this node"):
                await alice.board.publish(make_offer("0x" + "b" * 40))
            with pytest.raises(InvalidInput, match="expired"):
                await alice.publish(seconds=-1)
            offer = await alice.publish()
            await alice.board.publish(offer)
            with pytest.raises(Conflict):
                await alice.publish(id=offer.id, mem=2)
            with pytest.raises(Overloaded):
                await alice.publish()
            assert alice.knows(offer)


async def test_an_offer_goes_when_its_time_is_over(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        bob = await nodes.start("bob", join=hub)
        async with boards(hub, bob) as everyone:
            offer = await everyone[1].publish(seconds=0.5)
            await eventually(lambda: all(it.added == [offer.id] for it in everyone))
            await eventually(lambda: all(it.knows() for it in everyone))


async def test_the_offers_of_a_provider_that_stays_away_go(
    wire: MemoryWire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("golem_vpn.market.hub_board.ABSENCE", timedelta(seconds=0.3))
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        alice, bob = await nodes.start("alice", join=hub), await nodes.start("bob", join=hub)
        async with boards(hub, alice) as everyone:
            async with boards(bob) as [provider]:
                offer = await provider.publish()
                await eventually(lambda: all(it.knows(offer) for it in everyone))
            await nodes.kill(bob)
            await eventually(lambda: all(it.knows() for it in everyone))


async def test_a_provider_that_is_soon_back_was_never_gone(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        alice, bob = await nodes.start("alice", join=hub), await nodes.start("bob", join=hub)
        async with boards(hub, alice, bob) as (_, requestor, provider):
            offer = await provider.publish()
            await eventually(lambda: requestor.knows(offer))
            bob.endpoint.disconnect(hub.endpoint.endpoint_id)
            another = await provider.publish()
            await eventually(lambda: requestor.knows(offer, another))
            assert requestor.removed == []


async def test_a_hub_that_restarts_costs_nobody_an_offer(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        alice, bob = await nodes.start("alice", join=hub), await nodes.start("bob", join=hub)
        async with boards(alice, bob) as (requestor, provider):
            async with boards(hub):
                offer = await provider.publish()
                await eventually(lambda: requestor.knows(offer))
            await nodes.kill(hub)
            missed = await provider.publish()
            async with boards(await restart(nodes, hub)) as [again]:
                await eventually(lambda: again.knows(offer, missed) and requestor.knows(offer, missed))
                assert requestor.removed == []


async def test_what_a_restarted_hub_does_not_list_goes_after_a_while(
    wire: MemoryWire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("golem_vpn.market.followed_board.PATIENCE", timedelta(seconds=0.2))
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        alice, bob = await nodes.start("alice", join=hub), await nodes.start("bob", join=hub)
        async with boards(alice) as [requestor]:
            async with boards(hub, bob) as (_, provider):
                offer = await provider.publish()
                await eventually(lambda: requestor.knows(offer))
            await nodes.kill(bob)
            await nodes.kill(hub)
            async with boards(await restart(nodes, hub)):
                await eventually(lambda: requestor.knows())


async def test_lost_messages_are_made_up_for(wire: MemoryWire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("golem_vpn.market.hub_link.RECONCILE_SECONDS", 0.1)
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        alice, bob = await nodes.start("alice", join=hub), await nodes.start("bob", join=hub)
        async with boards(hub, alice, bob) as (_, requestor, provider):
            first = await provider.publish()
            await eventually(lambda: requestor.knows(first))
            hub.endpoint.lose = lambda message: b"offers-changed" in message
            second = await provider.publish()
            await provider.board.withdraw(first.id)
            await eventually(lambda: requestor.knows(second))


async def test_two_hubs_tell_of_the_same_offer_once(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        second = await nodes.start("second", hub=True)
        members = [await nodes.start(name, join=hub) for name in ("alice", "bob")]
        for member in members:
            await member.node.directory.join(await second.node.directory.ticket())
        async with boards(hub, second, *members) as everyone:
            alice, bob = everyone[2:]
            offer = await bob.publish()
            await eventually(lambda: all(it.knows(offer) for it in everyone))
            await bob.board.withdraw(offer.id)
            await eventually(lambda: all(it.knows() for it in everyone))
            assert (alice.added, alice.removed) == ([offer.id], [offer.id])


async def test_strangers_and_forgers_are_refused(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        alice, bob = await nodes.start("alice", join=hub), await nodes.start("bob", join=hub)
        stranger = await nodes.start("stranger")
        stranger.node.control.book.learn(hub.node.control.own_record.current().signed)
        async with boards(hub) as [board]:
            for message in (ListOwnOffers(()), PublishOffers(()), FollowOffers(b"", 0)):
                with pytest.raises(Forbidden, match="members"):
                    await stranger.node.control.request(hub.id, message, object)
            known = make_signed(bob.node.identities.default)
            with pytest.raises(Forbidden, match="the node that has its provider's identity"):
                await alice.node.control.request(hub.id, PublishOffers((known.signed,)), type(None))
            forged = SignedOffer(known.signed.body.replace(b"()", b"(|"), known.signed.signature)
            with pytest.raises(InvalidInput, match="not signed"):
                await bob.node.control.request(hub.id, PublishOffers((forged,)), type(None))
            assert board.knows()


async def test_only_a_hub_tells_of_changes_and_bad_offers_are_left_out(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        alice, bob = await nodes.start("alice", join=hub), await nodes.start("bob", join=hub)
        good, bad = (make_signed(bob.node.identities.default).signed for _ in range(2))
        page = OffersPage(b"epoch", 0, 2, True, (SignedOffer(bad.body, good.signature), good), ())
        async with boards(hub, alice) as (_, requestor):
            await eventually(lambda: requestor.board.is_following(hub.id))
            with pytest.raises(Forbidden):
                await bob.node.control.request(alice.id, OffersChanged(page), type(None))
            assert requestor.knows()
            await hub.node.control.request(alice.id, OffersChanged(page), type(None))
            assert len(requestor.board.offers) == 1
