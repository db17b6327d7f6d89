"""Which networks this node is in: its own, whose documents it signs, and those of others, whose owners it believes.

A document is followed only when its owner signed it, its version is higher than the one known, and the owner is the
one that the network always had. Owners tell, and members ask: nothing is missed when a message was lost or a node was
away.
"""

from collections.abc import Callable, Collection, Sequence

import anyio
import msgspec
import structlog

from golem_vpn.errors import Conflict, Forbidden, GolemVpnError, Gone, InvalidInput, PeerRefused, PeerUnreachable
from golem_vpn.net.amendment import amended
from golem_vpn.net.control import Control
from golem_vpn.net.dataplane import Topology
from golem_vpn.net.document import Draft, MemberEntry, NetworkDocument, open_document, sign_document
from golem_vpn.net.exclusions import Exclusions
from golem_vpn.net.herald import Herald
from golem_vpn.net.messages import AmendNetwork, Confirmed, Fetched, FetchNetwork, UpdateNetwork
from golem_vpn.net.own_record import milliseconds_now
from golem_vpn.net.peers import Peers
from golem_vpn.net.shelf import KnownDocument, Shelf

RECONCILE_SECONDS = 60.0
RETRY_SECONDS = 2.0
MAX_ASKING_AT_ONCE = 16
MAX_NETWORKS_PER_OWNER = 512
"""How many networks another node may make this one remember."""

Watcher = Callable[[NetworkDocument], None]

_log = structlog.get_logger(__name__)


class Membership:
    """Publishes this node's networks, follows those of others, and tells the data plane."""

    def __init__(
        self,
        control: Control,
        topology: Topology,
        peers: Peers,
        shelf: Shelf,
        herald: Herald,
        exclusions: Exclusions,
    ) -> None:
        self._control = control
        self._topology = topology
        self._peers = peers
        self._shelf = shelf
        self._herald = herald
        self._exclusions = exclusions
        self._watchers: list[Watcher] = []
        self._changing = anyio.Lock()
        self._ask_now: set[str] = set()
        self._work = anyio.Event()
        control.on(UpdateNetwork)(self._on_update)
        control.on(AmendNetwork)(self._on_amendment)
        control.on(FetchNetwork)(self._on_fetch)
        control.on_presence(self._on_presence)
        exclusions.on_change(self._on_exclusions)

    async def open(self) -> None:
        """Recalls the networks and makes them in the data plane."""
        await self._shelf.open()
        await self._herald.open()
        for document in self._shelf.all():
            try:
                self._place(document)
            except InvalidInput as error:
                _log.error("membership.stored_network_is_bad", network=document.id, error=error.message)
        self._want_peers()
        self._ask_now = {document.id for document in self._shelf.all() if self._is_followed(document)}
        self._work.set()

    async def run(self) -> None:
        """Asks owners for what is newer: now and then, and when they come back."""
        unanswered: set[str] = set()
        while True:
            with anyio.move_on_after(RETRY_SECONDS if unanswered else RECONCILE_SECONDS) as waiting:
                await self._work.wait()
            self._work = anyio.Event()
            asked, self._ask_now = self._ask_now, set()
            if waiting.cancelled_caught:
                asked = unanswered or {document.id for document in self._shelf.all()}
            unanswered = await self._ask_for_newer(asked)

    def watch(self, watcher: Watcher) -> None:
        """Adds a watcher that hears of every document that this node begins to follow."""
        self._watchers.append(watcher)

    def document(self, network_id: str) -> NetworkDocument | None:
        """Gives the newest document of a network."""
        known = self._shelf.find(network_id)
        return known.document if known else None

    async def publish(self, draft: Draft) -> None:
        """Signs a draft as the network's next version, stores it, follows it, and has the members told.

        A draft that says what the newest version says changes nothing.

        Raises:
            Forbidden: the owner is no identity of this daemon.
            Conflict: the network has another owner.
            Gone: the network was withdrawn.
            InvalidInput: the draft contradicts itself.
        """
        async with self._changing:
            present = self.document(draft.id)
            if present is not None and present.owner != draft.owner:
                raise Conflict(f"network {draft.id} has another owner")
            if present is not None and present.deleted:
                raise Gone(f"network {draft.id} was withdrawn")
            members = tuple(MemberEntry(node_id, tuple(draft.members[node_id])) for node_id in sorted(draft.members))
            if present is None or (present.prefixes, present.members) != (tuple(draft.prefixes), members):
                await self._publish(self._next_version(present, draft.id, draft.owner, draft.prefixes, members))

    async def withdraw(self, network_id: str) -> None:
        """Ends a network for all its members; an unknown one changes nothing.

        Raises:
            Forbidden: another node owns it.
        """
        async with self._changing:
            present = self.document(network_id)
            if present is not None and not present.deleted:
                await self._publish(self._next_version(present, network_id, present.owner))

    async def fetch(self, network_id: str, from_node: str) -> NetworkDocument:
        """Asks a network's owner for the newest document, follows it, and returns it.

        Raises:
            Forbidden: the owner says that this node is no member.
            PeerUnreachable: the owner cannot be asked.
            PeerRefused: what it answers is not the network's document.
        """
        present = self._shelf.find(network_id)
        request = FetchNetwork(network_id, present.document.version if present else 0)
        answer = await self._control.request(from_node, request, Fetched)
        if answer.document is None:
            if present is None:
                raise PeerRefused(f"{from_node} gave no document of network {network_id}")
            return present.document
        try:
            fetched = KnownDocument(open_document(answer.document), answer.document)
            if fetched.document.id != network_id:
                raise InvalidInput("it is another network's")
            async with self._changing:
                await self._take(fetched)
        except InvalidInput as error:
            raise PeerRefused(f"{from_node} gave a wrong document of network {network_id}: {error.message}") from None
        newest = self.document(network_id)
        return newest or fetched.document

    async def _publish(self, document: NetworkDocument) -> None:
        owner = self._control.identities.find(document.owner)
        if owner is None:
            raise Forbidden(f"{document.owner} is no identity of this daemon")
        known = KnownDocument(document, sign_document(document, owner))
        present = self.document(document.id)
        members, before = document.node_ids, present.node_ids if present else frozenset()
        self._place(document)
        await self._shelf.publish(known, members - before - {self._control.node_id})
        self._follow(document)
        self._herald.announce(known, (members | before) - {self._control.node_id})

    def _next_version(
        self,
        present: NetworkDocument | None,
        network_id: str,
        owner: str,
        prefixes: Sequence[str] = (),
        members: tuple[MemberEntry, ...] = (),
    ) -> NetworkDocument:
        return NetworkDocument(
            id=network_id,
            version=present.version + 1 if present else 1,
            owner=owner,
            node=self._control.node_id,
            prefixes=tuple(prefixes),
            members=members,
            deleted=not prefixes,
            issued_at=milliseconds_now(),
        )

    async def _on_update(self, sender: str, message: UpdateNetwork) -> Confirmed:
        document = open_document(message.document)
        if document.node != sender:
            raise Forbidden("only its owner's daemon tells of a network")
        async with self._changing:
            return Confirmed(await self._take(KnownDocument(document, message.document)))

    async def _on_amendment(self, sender: str, message: AmendNetwork) -> Confirmed:
        async with self._changing:
            known = self._shelf.find(message.network_id)
            if known is None or known.document.node != sender:
                return Confirmed(0)
            if known.document.version != message.since:
                return Confirmed(known.document.version)
            signed = amended(known.document, message)
            return Confirmed(await self._take(KnownDocument(open_document(signed), signed)))

    async def _on_fetch(self, sender: str, message: FetchNetwork) -> Fetched:
        known = self._shelf.find(message.network_id)
        # A stranger must not even learn whether there is such a network.
        if known is None or known.document.node != self._control.node_id or not self._concerns(known.document, sender):
            raise Forbidden("only the members of a network may ask for it")
        return Fetched(known.signed if known.document.version > message.known_version else None)

    def _concerns(self, document: NetworkDocument, node_id: str) -> bool:
        members = node_id in document.node_ids or node_id == self._control.node_id
        return members or self._herald.concerns(document.id, node_id)

    async def _take(self, known: KnownDocument) -> int:
        """Follows a document if it is to be followed, and gives the version that is known then."""
        document = known.document
        present = self._shelf.find(document.id)
        if not self._shelf.is_news(known):
            return present.document.version if present else document.version
        if document.owner in self._control.identities:
            raise Forbidden("this daemon owns the network itself")
        if present is None and not self._is_here(document):
            return document.version
        if present is None:
            self._check_room(document.node)
        self._place(document)
        await self._shelf.put(known)
        self._follow(document)
        return document.version

    def _check_room(self, node: str) -> None:
        if sum(document.node == node for document in self._shelf.all()) >= MAX_NETWORKS_PER_OWNER:
            raise Conflict(f"this node is in {MAX_NETWORKS_PER_OWNER} networks of {node} already")

    def _place(self, document: NetworkDocument) -> None:
        """Hands a document to the data plane; first of all, so that one it does not take is not stored either."""
        if not self._is_here(document):
            self._topology.remove_network(document.id)
            return
        welcome = tuple(member for member in document.members if member.node_id not in self._exclusions)
        try:
            self._topology.set_network(msgspec.structs.replace(document, members=welcome))
        except ValueError as error:
            raise InvalidInput(f"the data plane cannot make this network: {error}") from None

    def _on_exclusions(self, changed: Collection[str]) -> None:
        """Cuts members that a hub expelled, whatever the owner's document says, or lets them in again."""
        for document in self._shelf.all():
            if self._is_here(document) and not document.node_ids.isdisjoint(changed):
                self._place(document)

    def _follow(self, document: NetworkDocument) -> None:
        self._want_peers()
        _log.info("membership.followed", network=document.id, version=document.version)
        for watcher in tuple(self._watchers):
            watcher(document)

    def _want_peers(self) -> None:
        """Names the members of the networks; the owners, who tell of changes, are to be connected always."""
        here = [document for document in self._shelf.all() if self._is_here(document)]
        members = {node_id for document in here for node_id in document.node_ids}
        self._peers.want(members - {self._control.node_id}, {document.node for document in here})

    def _is_here(self, document: NetworkDocument) -> bool:
        return not document.deleted and self._control.node_id in document.node_ids

    def _is_followed(self, document: NetworkDocument) -> bool:
        return document.node != self._control.node_id and self._is_here(document)

    async def _ask_for_newer(self, network_ids: set[str]) -> set[str]:
        """Asks the owners, and gives the networks whose owners are there but did not answer."""
        limiter = anyio.CapacityLimiter(MAX_ASKING_AT_ONCE)
        unanswered = set()

        async def ask(document: NetworkDocument) -> None:
            async with limiter:
                try:
                    await self.fetch(document.id, document.node)
                except GolemVpnError as error:
                    _log.info("membership.owner_not_asked", network=document.id, error=error.message)
                    if isinstance(error, PeerUnreachable) and document.node in self._control.connected:
                        unanswered.add(document.id)

        async with anyio.create_task_group() as tasks:
            for document in self._shelf.all():
                if document.id in network_ids and self._is_followed(document):
                    tasks.start_soon(ask, document)
        return unanswered

    def _on_presence(self, node_id: str, connected: bool) -> None:
        owned = {
            document.id for document in self._shelf.all() if document.node == node_id and self._is_followed(document)
        }
        if connected and owned:
            self._ask_now |= owned
            self._work.set()
