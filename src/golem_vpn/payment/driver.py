"""What settles payments: the one interface between this daemon and a means of payment.

A driver serves some platforms. The daemon of a payer has it make transfers; the daemon of the payee has its own driver
check the proof of each. A driver need not know what a transfer is for.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

import msgspec

from golem_vpn.payment.platforms import Platform


class Transfer(msgspec.Struct, frozen=True, kw_only=True):
    """An amount that goes from one party to another."""

    id: str
    """Tells transfers apart; the same id is the same transfer."""
    platform: str
    payer_id: str
    payer_address: str
    payee_id: str
    payee_address: str
    amount: Decimal


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """What one party and another have paid to each other on a platform."""

    platform: str
    owner_id: str
    peer_id: str
    sent: Decimal
    received: Decimal
    transfers: int


class Driver(Protocol):
    """A means of payment."""

    @property
    def name(self) -> str:
        """What users know it by."""

    @property
    def description(self) -> str:
        """Says in a sentence what a payment by it is worth."""

    @property
    def moves_tokens(self) -> bool:
        """Whether its transfers move anything but numbers."""

    @property
    def platforms(self) -> Sequence[Platform]:
        """What it serves."""

    async def pay(self, transfer: Transfer) -> bytes:
        """Makes a transfer and gives a proof of it; for one that was made before, the same proof.

        Raises:
            Conflict: it can't be made, and trying again won't help.
            GolemVpnError: it can't be made at the moment.
        """

    async def check(self, transfer: Transfer, proof: bytes) -> None:
        """Makes sure that a transfer to this node was made; once, however often it is asked.

        Raises:
            InvalidInput: the proof does not show that.
            GolemVpnError: that can't be found out at the moment.
        """

    async def balances(self, owner_id: str) -> Sequence[Balance]:
        """Tells what an identity of this node and others have paid to each other."""
