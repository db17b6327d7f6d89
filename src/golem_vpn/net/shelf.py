"""The newest document of each network, on the disk and at hand; an older one never replaces it."""

import msgspec
import structlog

from golem_vpn.errors import Conflict, InvalidInput
from golem_vpn.net.codec import Malformed, Reader
from golem_vpn.net.document import NetworkDocument, SignedDocument, open_document
from golem_vpn.store.network_documents import NetworkDocumentRepository, StoredDocument

_log = structlog.get_logger(__name__)


class KnownDocument(msgspec.Struct, frozen=True):
    """A document that was verified, with the signed form for handing on."""

    document: NetworkDocument
    signed: SignedDocument


class Shelf:
    """Keeps documents, and tells which of two is to be followed."""

    def __init__(self, repository: NetworkDocumentRepository) -> None:
        self._repository = repository
        self._documents: dict[str, KnownDocument] = {}

    async def open(self) -> None:
        """Recalls the documents."""
        for stored in await self._repository.all():
            try:
                signed = _signed_documents.read(stored.signed)
                self._documents[stored.network_id] = KnownDocument(open_document(signed), signed)
            except (InvalidInput, Malformed) as error:
                _log.error("shelf.stored_document_is_bad", network=stored.network_id, error=str(error))

    def find(self, network_id: str) -> KnownDocument | None:
        """Finds the newest document of a network, which may say that it ended."""
        return self._documents.get(network_id)

    def all(self) -> list[NetworkDocument]:
        """Lists the newest documents of all networks."""
        return [known.document for known in self._documents.values()]

    def is_news(self, known: KnownDocument) -> bool:
        """Tells whether a document is to be followed: its version is higher, and its owner is the network's.

        Raises:
            Conflict: the network has another owner, or this very version says something else.
        """
        document = known.document
        present = self._documents.get(document.id)
        if present is None:
            return True
        if present.document.owner != document.owner:
            raise Conflict(f"network {document.id} has another owner")
        if present.document.version == document.version and present.signed.body != known.signed.body:
            raise Conflict(f"there are two different documents of version {document.version}")
        return document.version > present.document.version

    async def put(self, known: KnownDocument) -> None:
        """Stores a document of another owner's network."""
        await self._repository.put(stored_form(known))
        self._documents[known.document.id] = known

    async def publish(self, known: KnownDocument, newcomers: frozenset[str]) -> None:
        """Stores a document of this node's own network; members of the last version are to hear of it, and these."""
        await self._repository.publish(stored_form(known), newcomers)
        self._documents[known.document.id] = known


def stored_form(known: KnownDocument) -> StoredDocument:
    """Gives what is stored of a document."""
    document = known.document
    return StoredDocument(document.id, document.version, document.owner, msgspec.msgpack.encode(known.signed))


_signed_documents = Reader(SignedDocument)
