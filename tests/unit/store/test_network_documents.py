import pytest

from golem_vpn.store.database import Database
from golem_vpn.store.network_documents import NetworkDocumentRepository, StoredDocument, Unconfirmed

pytestmark = pytest.mark.anyio

NETWORK = "a" * 32
OWNER = "0x" + "1" * 40
ALICE = "0x" + "2" * 40
BOB = "0x" + "3" * 40


def version(number: int) -> StoredDocument:
    return StoredDocument(NETWORK, number, OWNER, b"signed %d" % number)


async def test_an_older_version_never_replaces_a_newer_one(database: Database) -> None:
    documents = NetworkDocumentRepository(database)
    for number in (1, 3, 2):
        await documents.put(version(number))
    assert await documents.all() == [version(3)]


async def test_everybody_concerned_is_to_confirm_the_newest_version(database: Database) -> None:
    documents = NetworkDocumentRepository(database)
    await documents.publish(version(1), [ALICE, BOB])
    assert set(await documents.unconfirmed()) == {Unconfirmed(NETWORK, ALICE), Unconfirmed(NETWORK, BOB)}
    await documents.confirm(NETWORK, [ALICE], 1)
    assert await documents.unconfirmed() == [Unconfirmed(NETWORK, BOB)]
    await documents.publish(version(2), [BOB])
    assert set(await documents.unconfirmed()) == {Unconfirmed(NETWORK, ALICE), Unconfirmed(NETWORK, BOB)}
    await documents.confirm(NETWORK, [BOB], 2)
    await documents.confirm(NETWORK, [BOB], 1)
    await documents.dismiss(NETWORK, [ALICE], 2)
    assert await documents.unconfirmed() == []
    await documents.publish(version(3), [])
    assert await documents.unconfirmed() == [Unconfirmed(NETWORK, BOB)]


async def test_who_was_dismissed_too_late_stays(database: Database) -> None:
    documents = NetworkDocumentRepository(database)
    await documents.publish(version(1), [ALICE])
    await documents.publish(version(2), [ALICE])
    await documents.dismiss(NETWORK, [ALICE], 1)
    assert await documents.unconfirmed() == [Unconfirmed(NETWORK, ALICE)]
