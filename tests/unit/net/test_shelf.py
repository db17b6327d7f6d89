from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from golem_vpn.errors import Conflict
from golem_vpn.net.document import NetworkDocument, sign_document
from golem_vpn.net.identity import Identities, Identity
from golem_vpn.net.shelf import KnownDocument, Shelf
from golem_vpn.store.database import Database
from golem_vpn.store.network_documents import NetworkDocumentRepository, StoredDocument

pytestmark = pytest.mark.anyio


@pytest.fixture
async def repository(tmp_path: Path) -> AsyncIterator[NetworkDocumentRepository]:
    database = Database(tmp_path / "golem-vpn.db")
    await database.open()
    yield NetworkDocumentRepository(database)
    await database.close()


def version(owner: Identity, number: int, **changes: object) -> KnownDocument:
    document = NetworkDocument(
        id="a" * 32,
        version=number,
        owner=owner.node_id,
        node=owner.node_id,
        prefixes=("10.0.0.0/24",),
        members=(),
        deleted=False,
        issued_at=0,
    )
    document = msgspec.structs.replace(document, **changes)
    return KnownDocument(document, sign_document(document, owner))


async def test_only_a_higher_version_of_the_same_owner_is_news(
    repository: NetworkDocumentRepository, identities: Identities
) -> None:
    owner, other = identities.default, identities.create("other")
    shelf = Shelf(repository)
    assert shelf.is_news(version(owner, 2))
    await shelf.put(version(owner, 2))
    assert shelf.is_news(version(owner, 3))
    assert not shelf.is_news(version(owner, 2))
    assert not shelf.is_news(version(owner, 1))
    with pytest.raises(Conflict, match="two different"):
        shelf.is_news(version(owner, 2, issued_at=1))
    for number in (1, 2, 3):
        with pytest.raises(Conflict, match="another owner"):
            shelf.is_news(version(other, number))


async def test_documents_outlive_the_daemon_unless_they_were_damaged(
    repository: NetworkDocumentRepository, identities: Identities
) -> None:
    shelf = Shelf(repository)
    known = version(identities.default, 2)
    await shelf.put(known)
    await repository.put(StoredDocument("b" * 32, 1, identities.default.node_id, b"garbage"))
    recalled = Shelf(repository)
    await recalled.open()
    assert recalled.find(known.document.id) == known
    assert recalled.all() == [known.document]
