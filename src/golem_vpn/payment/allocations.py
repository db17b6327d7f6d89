"""Allocations: money that a requestor sets aside, and what was spent of it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import msgspec

from golem_vpn import moments
from golem_vpn.errors import Gone, InvalidInput, NotFound
from golem_vpn.payment import amounts
from golem_vpn.payment.journal import Journal
from golem_vpn.payment.terms import PROTOCOL, PROTOCOL_VERSION, address_key
from golem_vpn.store.payment import Allocation, Records


class Decoration(msgspec.Struct, frozen=True):
    """What a demand has to say so that providers know how they will be paid."""

    properties: Mapping[str, str]
    constraints: Sequence[str]


class Allocations:
    """Makes, changes and releases allocations."""

    def __init__(self, journal: Journal, platforms: Sequence[str]) -> None:
        self._journal = journal
        self._platforms = platforms

    async def create(
        self, owner_id: str, total: Decimal, *,
        platform: str | None = None, address: str | None = None, expires: datetime | None = None,
    ) -> Allocation:  # fmt: skip
        """Sets money aside, on the first platform of this node where none is named.

        Raises:
            InvalidInput: the platform or the address is not one of the owner's, or the time is over already.
        """
        platform = self._platforms[0] if platform is None else platform
        address = owner_id if address is None else address
        if platform not in self._platforms:
            raise InvalidInput(f"this node has no account on {platform[:64]!r}; it has {', '.join(self._platforms)}")
        if address.lower() != owner_id:
            raise InvalidInput(f"address has to be {owner_id}, the identity of the application key")
        now = moments.now()
        _check_expiry(expires, now)
        async with self._journal.writing() as entry:
            return await entry.records.put(
                Allocation(
                    id=str(uuid4()), owner_id=owner_id, address=address, platform=platform,
                    total=amounts.check(total, "totalAmount"), spent=Decimal(0),
                    created=now, updated=now, expires=expires,
                )
            )  # fmt: skip

    async def show(self, owner_id: str, allocation_id: str) -> Allocation:
        """Gives an allocation that is in force.

        Raises:
            NotFound: the owner has none of that id.
            Gone: it was released, or its time is over.
        """
        async with self._journal.reading() as records:
            return await live_allocation(records, owner_id, allocation_id)

    async def list(self, owner_id: str, after: datetime | None = None, limit: int | None = None) -> list[Allocation]:
        """Lists the allocations that are in force, oldest first."""
        now = moments.now()
        async with self._journal.reading() as records:
            kept = await records.list(Allocation, after=after, owner_id=owner_id, released=None)
        return [allocation for allocation in kept if not _is_over(allocation, now)][:limit]

    async def amend(self, owner_id: str, allocation_id: str, **changes: Any) -> Allocation:
        """Changes the `total`, or when it `expires`.

        Raises:
            NotFound: the owner has none of that id.
            Gone: it was released, or its time is over.
            InvalidInput: more than the new total is spent, or the new time is over already.
        """
        async with self._journal.writing() as entry:
            allocation = await live_allocation(entry.records, owner_id, allocation_id)
            changed = msgspec.structs.replace(allocation, updated=moments.now(), **changes)
            amounts.check(changed.total, "totalAmount")
            if changed.total < changed.spent:
                raise InvalidInput(f"{amounts.to_text(changed.spent)} of the allocation is spent already")
            _check_expiry(changed.expires, changed.updated)
            return await entry.records.put(changed)

    async def release(self, owner_id: str, allocation_id: str) -> None:
        """Gives back what is left of an allocation; nothing more can be spent of it.

        Raises:
            NotFound: the owner has none of that id.
            Gone: it was released before, or its time is over.
        """
        async with self._journal.writing() as entry:
            allocation = await live_allocation(entry.records, owner_id, allocation_id)
            now = moments.now()
            await entry.records.put(msgspec.structs.replace(allocation, updated=now, released=now))

    async def decorate(self, owner_id: str, allocation_ids: Sequence[str]) -> Decoration:
        """Tells what a demand says that is to be paid from allocations.

        Raises:
            NotFound: the owner has none of such an id.
            Gone: one was released, or its time is over.
        """
        async with self._journal.reading() as records:
            found = [await live_allocation(records, owner_id, id) for id in allocation_ids]
        addresses = {address_key(allocation.platform): allocation.address for allocation in found}
        wanted = [f"({key}=*)" for key in addresses]
        return Decoration(
            properties={**addresses, PROTOCOL: str(PROTOCOL_VERSION)},
            constraints=[wanted[0] if len(wanted) == 1 else f"(|{''.join(wanted)})", f"({PROTOCOL}>1)"],
        )


async def live_allocation(records: Records, owner_id: str, allocation_id: str) -> Allocation:
    """Finds an allocation that is in force.

    Raises:
        NotFound: the owner has none of that id.
        Gone: it was released, or its time is over.
    """
    allocation = await records.find(Allocation, allocation_id)
    if allocation is None or allocation.owner_id != owner_id:
        raise NotFound(f"there is no allocation {allocation_id[:64]}")
    if _is_over(allocation, moments.now()):
        raise Gone("the allocation was released, or its time is over")
    return allocation


def _is_over(allocation: Allocation, now: datetime) -> bool:
    return allocation.released is not None or (allocation.expires is not None and allocation.expires <= now)


def _check_expiry(expires: datetime | None, now: datetime) -> None:
    if expires is not None and expires <= now:
        raise InvalidInput("timeout: that time is over already")
