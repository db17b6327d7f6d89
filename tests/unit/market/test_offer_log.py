from datetime import timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from golem_vpn import moments
from golem_vpn.errors import Conflict, Overloaded
from golem_vpn.market.followed_board import PATIENCE, FollowedBoard
from golem_vpn.market.offer_log import OfferLog, Position
from golem_vpn.market.signed_offer import KnownOffer
from golem_vpn.net.identity import Identities, Identity
from tests.unit.market.board_kit import make_signed


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return Identities(tmp_path_factory.mktemp("identities")).default


@pytest.fixture(scope="module")
def some(provider: Identity) -> list[KnownOffer]:
    return [make_signed(provider, id=str(number)) for number in range(6)]


def follow(log: OfferLog, board: FollowedBoard, shown: set[str]) -> None:
    """Reads all pages that a follower lacks."""
    for _ in count():
        page = log.page(Position(board.epoch, board.until))
        assert board.continues(page)
        changes = board.apply(page, moments.now())
        shown |= {known.offer.id for known in changes.added}
        shown -= set(changes.removed)
        if page.complete:
            return


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(["put", "put", "drop", "follow"]), st.integers(0, 5)), max_size=60))
def test_a_follower_ends_up_with_what_is_there(
    some: list[KnownOffer], monkeypatch: pytest.MonkeyPatch, steps: list[tuple[str, int]]
) -> None:
    monkeypatch.setattr("golem_vpn.market.offer_log.PAGE_BYTES", 300)
    monkeypatch.setattr("golem_vpn.market.offer_log.MAX_REMOVALS", 3)
    log, board = OfferLog(b"boot"), FollowedBoard()
    there, shown = set[str](), set[str]()
    for step, number in steps:
        if step == "put":
            log.put("bob", some[number])
            there.add(str(number))
        elif step == "drop":
            log.drop([str(number)])
            there.discard(str(number))
        else:
            follow(log, board, shown)
            assert there <= shown
    follow(log, board, shown)
    # What went while the numbers began anew is only known to be gone when it isn't listed again for a while.
    shown -= set(board.drop_outdated(moments.now() + PATIENCE))
    assert shown == there == log.of_member("bob")


def test_the_same_again_changes_nothing_and_another_is_refused(some: list[KnownOffer], provider: Identity) -> None:
    log = OfferLog(b"boot")
    log.put("bob", some[0])
    position = log.position
    log.put("bob", some[0])
    assert log.position == position
    with pytest.raises(Conflict):
        log.put("eve", some[0])
    with pytest.raises(Conflict):
        log.put("bob", make_signed(provider, id="0", mem=1))


def test_room(some: list[KnownOffer], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("golem_vpn.market.offer_log.MAX_MEMBER_OFFERS", 2)
    monkeypatch.setattr("golem_vpn.market.offer_log.MAX_OFFERS", 3)
    log = OfferLog(b"boot")
    log.put("bob", some[0])
    log.put("bob", some[1])
    with pytest.raises(Overloaded, match="a member has at most 2"):
        log.put("bob", some[2])
    log.put("eve", some[2])
    with pytest.raises(Overloaded, match="no room"):
        log.put("carol", some[3])
    log.drop(["0", "1"])
    log.put("bob", some[3])
    monkeypatch.setattr("golem_vpn.market.offer_log.MAX_MEMBER_BYTES", 10)
    with pytest.raises(Overloaded, match="10 bytes"):
        log.put("bob", some[4])


def test_what_has_expired_goes(provider: Identity) -> None:
    log = OfferLog(b"boot")
    log.put("bob", make_signed(provider, id="short", seconds=1))
    log.put("bob", make_signed(provider, id="long", seconds=100))
    log.drop_expired(moments.now() + timedelta(seconds=2))
    assert log.of_member("bob") == {"long"}
