from collections.abc import Mapping

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golem_vpn.errors import InvalidInput
from golem_vpn.net.amendment import MAX_VERSIONS, Amendments, amended, amendment
from golem_vpn.net.document import MemberEntry, NetworkDocument, open_document, sign_document
from golem_vpn.net.identity import Identities
from golem_vpn.net.shelf import KnownDocument

NETWORK = "a" * 32
MEMBERS: dict[str, tuple[str, ...]] = {f"0x{number:040x}": (f"10.0.0.{number + 1}",) for number in range(12)}


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Identities:
    return Identities(tmp_path_factory.mktemp("owner"))


def known(owner: Identities, version: int, members: Mapping[str, tuple[str, ...]]) -> KnownDocument:
    document = NetworkDocument(
        id=NETWORK,
        version=version,
        owner=owner.default.node_id,
        node=owner.default.node_id,
        prefixes=("10.0.0.0/24",),
        members=tuple(MemberEntry(node_id, members[node_id]) for node_id in sorted(members)),
        deleted=False,
        issued_at=version,
    )
    return KnownDocument(document, sign_document(document, owner.default))


memberships = st.lists(st.sampled_from(sorted(MEMBERS)), unique=True).map(
    lambda node_ids: {node_id: MEMBERS[node_id] for node_id in node_ids}
)


@given(before=memberships, after=memberships)
def test_an_amendment_makes_the_signed_document_of_an_older_one(
    owner: Identities, before: dict[str, tuple[str, ...]], after: dict[str, tuple[str, ...]]
) -> None:
    old, new = known(owner, 3, before), known(owner, 7, after)
    message = amendment(old.document, new)
    if message is None:
        assert len(after.keys() - before.keys()) > len(after) // 2
    else:
        assert amended(old.document, message) == new.signed
        assert open_document(amended(old.document, message)) == new.document


def test_another_address_of_a_member_is_a_change(owner: Identities) -> None:
    node_id = min(MEMBERS)
    old, new = known(owner, 1, MEMBERS), known(owner, 2, {**MEMBERS, node_id: ("10.0.0.99",)})
    message = amendment(old.document, new)
    assert message is not None
    assert (message.changed, message.removed) == ((MemberEntry(node_id, ("10.0.0.99",)),), ())
    assert amended(old.document, message) == new.signed


def test_what_the_owner_did_not_sign_is_refused(owner: Identities) -> None:
    old, new = known(owner, 1, MEMBERS), known(owner, 2, dict(list(MEMBERS.items())[1:]))
    message = amendment(old.document, new)
    assert message is not None
    for forged in (
        msgspec.structs.replace(message, removed=()),
        msgspec.structs.replace(message, version=3),
        msgspec.structs.replace(message, changed=(MemberEntry("0x" + "f" * 40, ("10.0.0.77",)),)),
    ):
        with pytest.raises(InvalidInput, match="not signed"):
            open_document(amended(old.document, forged))


def test_a_few_versions_are_remembered(owner: Identities) -> None:
    amendments = Amendments()
    versions = [known(owner, number, MEMBERS) for number in range(1, MAX_VERSIONS + 3)]
    for version in versions:
        amendments.note(version)
    newest = versions[-1]
    assert amendments.find(newest, 2) is None
    assert amendments.find(newest, newest.document.version) is None
    found = amendments.find(newest, 3)
    assert found is not None
    assert amended(versions[2].document, found) == newest.signed
    later = known(owner, newest.document.version + 1, MEMBERS)
    amendments.note(later)
    found = amendments.find(later, newest.document.version)
    assert found is not None
    assert found.version == later.document.version
