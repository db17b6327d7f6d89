"""What changed in a network's document, for those who have an older version.

Whole documents for 1,000 members are 58 MB for each change, more than many an uplink carries in the second in which a
removed member has to be cut; amendments are 0.3 MB. They hold the signature of the whole new document: who
applies one writes the document as its owner did, and it is the owner's only if that very document was signed.
"""

from collections import OrderedDict, defaultdict

import msgspec

from golem_vpn.net.document import NetworkDocument, SignedDocument
from golem_vpn.net.messages import AmendNetwork
from golem_vpn.net.shelf import KnownDocument

MAX_VERSIONS = 32
"""How many versions of a network are remembered; who has none of them is told the whole document."""


def amendment(old: NetworkDocument, new: KnownDocument) -> AmendNetwork | None:
    """Says what is to be done to an older version; nothing where the whole new one is as short."""
    document = new.document
    before = frozenset(old.members)
    changed = tuple(member for member in document.members if member not in before)
    removed = tuple(sorted(old.node_ids - document.node_ids))
    if (old.owner, old.node) != (document.owner, document.node) or len(changed) > len(document.members) // 2:
        return None
    return AmendNetwork(
        network_id=document.id,
        since=old.version,
        version=document.version,
        prefixes=document.prefixes,
        changed=changed,
        removed=removed,
        deleted=document.deleted,
        issued_at=document.issued_at,
        signature=new.signed.signature,
    )


def amended(old: NetworkDocument, message: AmendNetwork) -> SignedDocument:
    """Writes the document that an amendment makes of an older one; whether its owner signed it is yet to be seen."""
    members = {member.node_id: member for member in (*old.members, *message.changed)}
    for node_id in message.removed:
        members.pop(node_id, None)
    document = msgspec.structs.replace(
        old,
        version=message.version,
        prefixes=message.prefixes,
        members=tuple(members[node_id] for node_id in sorted(members)),
        deleted=message.deleted,
        issued_at=message.issued_at,
    )
    return SignedDocument(msgspec.msgpack.encode(document), message.signature)


class Amendments:
    """Remembers the last versions of this node's networks, and what leads from them to the newest."""

    def __init__(self) -> None:
        self._versions: defaultdict[str, OrderedDict[int, KnownDocument]] = defaultdict(OrderedDict)
        self._made: dict[tuple[str, int], AmendNetwork | None] = {}

    def note(self, newest: KnownDocument) -> None:
        """Takes in the newest version of a network."""
        network_id, versions = newest.document.id, self._versions[newest.document.id]
        versions[newest.document.version] = newest
        if len(versions) > MAX_VERSIONS:
            versions.popitem(last=False)
        self._made = {key: made for key, made in self._made.items() if key[0] != network_id}

    def find(self, newest: KnownDocument, since: int) -> AmendNetwork | None:
        """Gives what leads from a version to the newest, if that version is remembered."""
        key = newest.document.id, since
        old = self._versions[newest.document.id].get(since)
        if old is None or old is newest:
            return None
        if key not in self._made:
            self._made[key] = amendment(old.document, newest)
        return self._made[key]
