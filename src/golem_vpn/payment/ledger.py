"""The built-in driver: payers sign what they have paid, payees keep it. **It moves no tokens.**

For each payee and platform a payer has a numbered series of statements. Each says what was paid now and in all, and
carries the signature of the payer's identity. Both sides keep all of them, so the newest statement proves the whole
balance, and a payer that tells two stories can be shown to.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from golem_vpn import moments
from golem_vpn.errors import Conflict, InvalidInput
from golem_vpn.net.codec import Malformed, Reader
from golem_vpn.net.identity import Identities, verify
from golem_vpn.payment import amounts
from golem_vpn.payment.driver import Balance, Transfer
from golem_vpn.payment.platforms import Platform
from golem_vpn.store.agreements import Role
from golem_vpn.store.payment import PaymentRepository, Records, Statement

DOMAIN = "ledger"


class StatementBody(msgspec.Struct, frozen=True, kw_only=True):
    """What a payer signs."""

    payer_id: str
    payee_id: str
    platform: str
    sequence: int
    """Counts from 1 for each payee and platform."""
    transfer_id: str
    amount: Decimal
    total: Decimal
    """Of this and all before."""
    issued: datetime


class SignedStatement(msgspec.Struct, frozen=True, array_like=True):
    """The bytes of a statement, and its payer's signature."""

    body: bytes
    signature: bytes


class LedgerDriver:
    """Keeps signed balances between this node's identities and others."""

    name = "ledger"
    description = "signed balances between nodes, kept in their databases; no tokens are moved"
    moves_tokens = False

    def __init__(self, repository: PaymentRepository, identities: Identities, platforms: Sequence[Platform]) -> None:
        self.platforms = platforms
        self._repository = repository
        self._identities = identities

    async def pay(self, transfer: Transfer) -> bytes:
        """Signs a statement that the transfer was made; for one that was made before, gives the same statement.

        Raises:
            Conflict: the payer is no identity of this node any more, or all that it paid is more than there is.
        """
        identity = self._identities.find(transfer.payer_id)
        if identity is None:
            raise Conflict(f"{transfer.payer_id} is no identity of this node")
        async with self._repository.writing() as records:
            made = await records.newest(Statement, role=Role.REQUESTOR, transfer_id=transfer.id)
            if made is not None:
                return made.signed
            body = await _next_statement(records, transfer)
            encoded = msgspec.msgpack.encode(body)
            signed = msgspec.msgpack.encode(SignedStatement(encoded, identity.sign(DOMAIN, encoded)))
            await records.put(_stored(body, Role.REQUESTOR, signed))
        return signed

    async def check(self, transfer: Transfer, proof: bytes) -> None:
        """Verifies the payer's statement and keeps it.

        Raises:
            InvalidInput: it is not the payer's, not of this transfer, or contradicts those that are kept.
        """
        body = _open(transfer, proof)
        async with self._repository.writing() as records:
            series = await _series(records, Role.PROVIDER, body.payer_id, body.payee_id, body.platform)
            same = next((kept for kept in series if kept.sequence == body.sequence), None)
            if same is not None and same.signed == proof:
                return
            if same is not None or any(kept.transfer_id == body.transfer_id for kept in series):
                raise InvalidInput("the payer's ledger holds another statement of that number or transfer")
            _check_fit(series, body)
            await records.put(_stored(body, Role.PROVIDER, proof))

    async def balances(self, owner_id: str) -> list[Balance]:
        """Tells what an identity and others have paid to each other, by the statements that are kept."""
        async with self._repository.reading() as records:
            sent = await records.list(Statement, role=Role.REQUESTOR, payer_id=owner_id)
            received = await records.list(Statement, role=Role.PROVIDER, payee_id=owner_id)
        sums: dict[tuple[str, str], list[Statement]] = {}
        for statement in (*sent, *received):
            peer = statement.payee_id if statement.role is Role.REQUESTOR else statement.payer_id
            sums.setdefault((statement.platform, peer), []).append(statement)
        return [_balance(owner_id, platform, peer, sums[platform, peer]) for platform, peer in sorted(sums)]


async def _next_statement(records: Records, transfer: Transfer) -> StatementBody:
    series = await _series(records, Role.REQUESTOR, transfer.payer_id, transfer.payee_id, transfer.platform)
    last = max(series, key=lambda statement: statement.sequence, default=None)
    total = transfer.amount + (last.total if last is not None else 0)
    if total > amounts.MAXIMUM:
        raise Conflict(f"no more than {amounts.MAXIMUM} in all can be paid to one payee")
    return StatementBody(
        payer_id=transfer.payer_id,
        payee_id=transfer.payee_id,
        platform=transfer.platform,
        sequence=last.sequence + 1 if last is not None else 1,
        transfer_id=transfer.id,
        amount=transfer.amount,
        total=total,
        issued=moments.now(),
    )


def _open(transfer: Transfer, proof: bytes) -> StatementBody:
    try:
        signed = _signed_statements.read(proof)
        body = _bodies.read(signed.body)
    except Malformed as error:
        raise InvalidInput(f"the payer's statement is malformed: {error}") from None
    if not verify(transfer.payer_id, DOMAIN, signed.body, signed.signature):
        raise InvalidInput("the statement is not signed by the payer")
    for name in ("payer_id", "payee_id", "platform", "amount"):
        if getattr(body, name) != getattr(transfer, name):
            raise InvalidInput(f"the payer's statement is of another transfer: its {name} is not the payment's")
    if body.transfer_id != transfer.id or body.sequence < 1:
        raise InvalidInput("the payer's statement is of another transfer")
    if amounts.check(body.total, "the total") != body.total or body.total < body.amount:
        raise InvalidInput("the total of the payer's statement can't be right")
    return body


def _check_fit(series: Sequence[Statement], body: StatementBody) -> None:
    """Makes sure that a statement agrees with those before and after it; they may come in any order."""
    before = [kept for kept in series if kept.sequence < body.sequence]
    after = [kept for kept in series if kept.sequence > body.sequence]
    start = body.total - body.amount
    if any(kept.total > start or (kept.sequence == body.sequence - 1 and kept.total != start) for kept in before):
        raise InvalidInput("the payer's statement leaves out what was paid before")
    if any(body.total > kept.total - kept.amount for kept in after):
        raise InvalidInput("the payer's statement contradicts those that came after it")


async def _series(records: Records, role: Role, payer_id: str, payee_id: str, platform: str) -> list[Statement]:
    return await records.list(Statement, role=role, payer_id=payer_id, payee_id=payee_id, platform=platform)


def _stored(body: StatementBody, role: Role, signed: bytes) -> Statement:
    return Statement(
        role=role, payer_id=body.payer_id, payee_id=body.payee_id, platform=body.platform, sequence=body.sequence,
        transfer_id=body.transfer_id, amount=body.amount, total=body.total,
        created=moments.in_utc(body.issued), signed=signed,
    )  # fmt: skip


def _balance(owner_id: str, platform: str, peer_id: str, statements: Sequence[Statement]) -> Balance:
    def total(role: Role) -> Decimal:
        return sum((statement.amount for statement in statements if statement.role is role), Decimal(0))

    return Balance(
        platform=platform, owner_id=owner_id, peer_id=peer_id,
        sent=total(Role.REQUESTOR), received=total(Role.PROVIDER), transfers=len(statements),
    )  # fmt: skip


_signed_statements = Reader(SignedStatement)
_bodies = Reader(StatementBody)
