"""The nodes that this one has nothing to do with, because a hub that it joined expelled them.

A hub speaks for its members: who was expelled from one and is a member of another that this node joined as well is no
outcast. So a hub can cut off nodes that are known through it alone; whoever does not want that leaves the hub.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable

from golem_vpn.store.exclusions import ExclusionRepository

ExclusionListener = Callable[[Collection[str]], None]
"""Hears of nodes that were shut out, or are welcome again."""


class Exclusions:
    """Weighs what the joined hubs say of nodes."""

    def __init__(self, repository: ExclusionRepository) -> None:
        self._repository = repository
        self._expelled: defaultdict[str, set[str]] = defaultdict(set)
        self._vouched: defaultdict[str, set[str]] = defaultdict(set)
        self._excluded: set[str] = set()
        self._listeners: list[ExclusionListener] = []

    def __contains__(self, node_id: str) -> bool:
        return node_id in self._excluded

    @property
    def nodes(self) -> list[str]:
        """The nodes that are out."""
        return sorted(self._excluded)

    async def open(self) -> None:
        """Recalls what the hubs said last."""
        for hub, expelled in (await self._repository.all()).items():
            self._expelled[hub] = expelled
            self._judge(expelled)

    def on_change(self, listener: ExclusionListener) -> None:
        """Adds a listener."""
        self._listeners.append(listener)

    def vouch(self, hub: str, asked: Iterable[str], found: Iterable[str]) -> None:
        """Notes which of some nodes a hub has as members."""
        vouched, changed = self._vouched[hub], {*asked, *found}
        vouched -= changed
        vouched |= set(found)
        self._judge(changed)

    async def replace(self, hub: str, expelled: Collection[str]) -> None:
        """Notes which nodes a hub has expelled, in place of what it said before."""
        before, now = self._expelled[hub], set(expelled)
        added, removed = now - before, before - now
        if added or removed:
            self._expelled[hub] = now
            self._vouched[hub] -= added
            # Whoever is out is out before it is written down; what a crash loses, the hub tells once more.
            self._judge(added | removed)
            await self._repository.change(hub, added, removed)

    async def change(self, hub: str, node_id: str, *, expelled: bool) -> None:
        """Notes that a hub expelled a node, or took it back."""
        before = self._expelled[hub]
        await self.replace(hub, before | {node_id} if expelled else before - {node_id})

    async def forget(self, hub: str) -> None:
        """Listens to a hub no more."""
        await self.replace(hub, ())
        vouched = self._vouched.pop(hub, set())
        del self._expelled[hub]
        self._judge(vouched)

    def _judge(self, node_ids: Iterable[str]) -> None:
        changed = [node_id for node_id in node_ids if self._is_out(node_id) != (node_id in self._excluded)]
        self._excluded.symmetric_difference_update(changed)
        if changed:
            for listener in tuple(self._listeners):
                listener(changed)

    def _is_out(self, node_id: str) -> bool:
        expelled = any(node_id in nodes for nodes in self._expelled.values())
        return expelled and not any(node_id in nodes for nodes in self._vouched.values())
