from decimal import Decimal
from typing import Any

import msgspec
import pytest

from golem_vpn.errors import Conflict, InvalidInput
from golem_vpn.payment.driver import Transfer
from golem_vpn.payment.ledger import DOMAIN, LedgerDriver, SignedStatement, StatementBody
from tests.unit.payment.kit import HOLESKY, HOODI, Party, Trade, make_ledger

pytestmark = pytest.mark.anyio


def ledger(party: Party) -> LedgerDriver:
    return make_ledger(party.node.control, party.database)


def transfer(alice: Party, bob: Party, id: str, amount: str, platform: str = HOLESKY) -> Transfer:
    return Transfer(
        id=id, platform=platform, payer_id=alice.id, payer_address=alice.id, payee_id=bob.id,
        payee_address=bob.id, amount=Decimal(amount),
    )  # fmt: skip


def body_of(proof: bytes) -> StatementBody:
    signed = msgspec.msgpack.decode(proof, type=SignedStatement)
    return msgspec.msgpack.decode(signed.body, type=StatementBody)


def forged(alice: Party, proof: bytes, **changes: Any) -> bytes:
    """Signs another story than the one of a proof."""
    body = msgspec.msgpack.encode(msgspec.structs.replace(body_of(proof), **changes))
    signature = alice.node.control.identities.default.sign(DOMAIN, body)
    return msgspec.msgpack.encode(SignedStatement(body, signature))


async def test_statements_add_up_on_both_sides(trade: Trade) -> None:
    async with trade.pair() as (alice, bob):
        transfers = [transfer(alice, bob, id, amount) for id, amount in (("1", "0.1"), ("2", "0.2"), ("3", "1e-18"))]
        for made in transfers:
            proof = await ledger(alice).pay(made)
            assert await ledger(alice).pay(made) == proof
            for _ in range(2):
                await ledger(bob).check(made, proof)
        last = body_of(await ledger(alice).pay(transfers[-1]))
        assert (last.sequence, last.total) == (3, Decimal("0.300000000000000001"))
        await ledger(alice).pay(transfer(alice, bob, "4", "7", HOODI))
        holesky, hoodi = await ledger(alice).balances(alice.id)
        assert (holesky.platform, holesky.sent, holesky.transfers) == (HOLESKY, Decimal("0.300000000000000001"), 3)
        assert (hoodi.platform, hoodi.sent, hoodi.received) == (HOODI, Decimal(7), Decimal(0))
        [balance] = await ledger(bob).balances(bob.id)
        assert (balance.peer_id, balance.received) == (alice.id, Decimal("0.300000000000000001"))
        assert await ledger(bob).balances(alice.id) == []


async def test_statements_in_any_order(trade: Trade) -> None:
    async with trade.pair() as (alice, bob):
        transfers = [transfer(alice, bob, str(number), "1") for number in range(3)]
        proofs = [await ledger(alice).pay(each) for each in transfers]
        for number in (2, 0, 1):
            await ledger(bob).check(transfers[number], proofs[number])
        [balance] = await ledger(bob).balances(bob.id)
        assert balance.received == 3


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": Decimal(2)}, {"transfer_id": "other"}, {"platform": HOODI}, {"payee_id": "0x" + "e" * 40},
        {"payer_id": "0x" + "e" * 40}, {"sequence": 0}, {"sequence": 1}, {"total": Decimal(1)}, {"total": Decimal(9)},
        {"total": Decimal("0.5")}, {"total": Decimal("1e-19") + 2}, {"sequence": 5, "total": Decimal(1)},
    ],
)  # fmt: skip
async def test_statements_that_are_not_true(trade: Trade, changes: dict[str, Any]) -> None:
    async with trade.pair() as (alice, bob):
        first, second = transfer(alice, bob, "1", "1"), transfer(alice, bob, "2", "1")
        await ledger(bob).check(first, await ledger(alice).pay(first))
        proof = await ledger(alice).pay(second)
        with pytest.raises(InvalidInput):
            await ledger(bob).check(second, forged(alice, proof, **changes))
        await ledger(bob).check(second, proof)


async def test_an_earlier_statement_cannot_contradict_a_later(trade: Trade) -> None:
    async with trade.pair() as (alice, bob):
        transfers = [transfer(alice, bob, str(number), "1") for number in range(3)]
        proofs = [await ledger(alice).pay(each) for each in transfers]
        await ledger(bob).check(transfers[2], proofs[2])
        with pytest.raises(InvalidInput, match="came after"):
            await ledger(bob).check(transfers[1], forged(alice, proofs[1], total=Decimal(4)))
        with pytest.raises(InvalidInput, match="another statement"):
            await ledger(bob).check(transfers[1], forged(alice, proofs[1], sequence=3))


async def test_proofs_that_prove_nothing(trade: Trade) -> None:
    async with trade.pair() as (alice, bob):
        made = transfer(alice, bob, "1", "1")
        signed = msgspec.msgpack.decode(await ledger(alice).pay(made), type=SignedStatement)
        for proof in (b"", b"\xff", msgspec.msgpack.encode(SignedStatement(signed.body, bytes(65)))):
            with pytest.raises(InvalidInput):
                await ledger(bob).check(made, proof)


async def test_payments_that_cannot_be(trade: Trade) -> None:
    async with trade.pair() as (alice, bob):
        with pytest.raises(Conflict, match="no identity"):
            await ledger(alice).pay(transfer(bob, alice, "1", "1"))
        await ledger(alice).pay(transfer(alice, bob, "1", "1e9"))
        with pytest.raises(Conflict, match="no more than"):
            await ledger(alice).pay(transfer(alice, bob, "2", "1"))
