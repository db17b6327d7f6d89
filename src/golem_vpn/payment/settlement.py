"""Settlement: pays what was agreed to, and takes what was paid.

What is agreed to within a few seconds becomes one payment. Which payment an order is part of is stored before the
driver hears of it: a daemon that is killed then asks for the same payment again, not for another.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from uuid import uuid4

import anyio
import msgspec
import structlog

from golem_vpn import moments
from golem_vpn.errors import Conflict, Forbidden, GolemVpnError, InvalidInput, NotFound
from golem_vpn.net.control import Control
from golem_vpn.payment import amounts
from golem_vpn.payment.courier import Messenger, Outcome
from golem_vpn.payment.driver import Driver, Transfer
from golem_vpn.payment.journal import ORDERS, OUTBOX, PAYMENTS, Entry, Journal
from golem_vpn.payment.messages import SendPayment
from golem_vpn.payment.tallies import add_paid, settle_covered, take_back_order
from golem_vpn.store.agreements import AgreementRepository, Role
from golem_vpn.store.payment import Document, DocumentState, Order, Payment, PaymentPart, Step

RETRY_SECONDS = 30.0
MAX_PARTS = 500
"""So many fit into a control message with ease."""

log = structlog.get_logger()


class Settlement:
    """Makes payments and takes them."""

    def __init__(
        self, journal: Journal, control: Control, agreements: AgreementRepository,
        drivers: Mapping[str, Driver], patience: float,
    ) -> None:  # fmt: skip
        self._journal = journal
        self._control = control
        self._messenger = Messenger(control)
        self._agreements = agreements
        self._drivers = drivers
        self._patience = patience
        control.on(SendPayment)(self._receive)

    async def run(self) -> None:
        """Pays what is to be paid, for ever, some time after it was agreed to."""
        while True:
            bell = self._journal.listen(ORDERS)
            await self.settle()
            with anyio.move_on_after(RETRY_SECONDS):
                await bell.wait()
            # More may follow; and applications read whether what they accepted is accepted, before it is paid.
            await anyio.sleep(self._patience)

    async def settle(self) -> None:
        """Pays what is to be paid."""
        for orders in await self._bundles():
            payment = _payment_of(orders)
            if payment.amount == 0:
                await self._complete(orders, None)
                continue
            driver = self._drivers.get(payment.platform)
            if driver is None:
                log.warning("nothing pays on that platform any more", platform=payment.platform)
                continue
            try:
                proof = await driver.pay(_transfer(payment))
            except Conflict as error:
                await self._fail(orders, error.message)
            except GolemVpnError as error:
                log.warning("a payment has to wait", payment_id=payment.id, error=error.message)
            else:
                await self._complete(orders, msgspec.structs.replace(payment, proof=proof))

    async def deliver(self, payment: Payment) -> bool:
        """Shows a payment to the payee, and says whether its node was there."""
        # From which allocation it was paid is the payer's own affair.
        parts = tuple(msgspec.structs.replace(part, allocation_id=None) for part in payment.parts)
        shown = msgspec.structs.replace(payment, parts=parts)
        message = SendPayment(**{name: getattr(shown, name) for name in SendPayment.__struct_fields__})
        if await self._messenger.tell(payment.payee_id, message, payment.created) is Outcome.AWAY:
            return False
        async with self._journal.writing() as entry:
            await entry.records.put(msgspec.structs.replace(payment, told=True))
        return True

    async def _bundles(self) -> list[list[Order]]:
        """Gives the orders that are to be paid, those of each payment together."""
        async with self._journal.writing() as entry:
            waiting = await entry.records.list(Order, done=False)
            fresh = sorted((order for order in waiting if order.payment_id is None), key=_parties)
            bundles = list(_grouped(order for order in waiting if order.payment_id is not None))
            for _, same in groupby(fresh, key=_parties):
                bundles.extend([await _assign(entry, orders) for orders in _slices(list(same))])
        return bundles

    async def _complete(self, orders: Sequence[Order], payment: Payment | None) -> None:
        async with self._journal.writing() as entry:
            if payment is not None:
                await entry.records.put(msgspec.structs.replace(payment, created=entry.now()))
                entry.bells |= {OUTBOX, (payment.owner_id, PAYMENTS)}
            for order in orders:
                await entry.records.put(msgspec.structs.replace(order, done=True))
                await add_paid(entry.records, order.agreement_id, Role.REQUESTOR, order.activity_id, order.amount)
            for agreement_id in {order.agreement_id: None for order in orders}:
                await settle_covered(entry, agreement_id, Role.REQUESTOR)

    async def _fail(self, orders: Sequence[Order], reason: str) -> None:
        log.warning("a payment failed", payment_id=orders[0].payment_id, error=reason)
        async with self._journal.writing() as entry:
            for order in orders:
                await entry.records.put(msgspec.structs.replace(order, done=True))
                await take_back_order(entry.records, order.agreement_id, order.activity_id, order.amount)
                document = await entry.records.find(Document, order.document_id, Role.REQUESTOR)
                if document is not None and document.state is DocumentState.ACCEPTED:
                    await entry.step(document, Step.FAIL)

    async def _receive(self, sender: str, message: SendPayment) -> None:
        if not self._control.proves(sender, message.payer_id):
            raise Forbidden(f"{message.payer_id} is not an identity of the node that asks")
        await self._check(message)
        async with self._journal.reading() as records:
            if await records.find(Payment, message.id, Role.PROVIDER) is not None:
                return
        payment = _received(message)
        await self._drivers[payment.platform].check(_transfer(payment), payment.proof)
        async with self._journal.writing() as entry:
            if await entry.records.find(Payment, payment.id, Role.PROVIDER) is not None:
                return
            await entry.records.put(msgspec.structs.replace(payment, created=entry.now()))
            for part in payment.parts:
                await add_paid(entry.records, part.agreement_id, Role.PROVIDER, part.activity_id, part.amount)
            for agreement_id in {part.agreement_id: None for part in payment.parts}:
                await settle_covered(entry, agreement_id, Role.PROVIDER)
            entry.bells.add((payment.owner_id, PAYMENTS))

    async def _check(self, message: SendPayment) -> None:
        if message.payee_id not in self._control.identities:
            raise NotFound(f"{message.payee_id} is not an identity of this node")
        if message.platform not in self._drivers:
            raise InvalidInput(f"this node has no account on {message.platform[:64]!r}")
        if not 1 <= len(message.parts) <= MAX_PARTS:
            raise InvalidInput(f"a payment has 1 to {MAX_PARTS} parts")
        total = sum(amounts.check(part.amount, "the amount of a part") for part in message.parts)
        if total != amounts.check(message.amount, "the amount"):
            raise InvalidInput("the parts of the payment don't add up to its amount")
        for part in message.parts:
            agreement = await self._agreements.find(part.agreement_id)
            if agreement is None or (agreement.requestor_id, agreement.provider_id) != (
                message.payer_id, message.payee_id
            ):  # fmt: skip
                raise NotFound("there is no such agreement between payer and payee")


def _parties(order: Order) -> tuple[str, ...]:
    """Gives what is the same for all parts of a payment."""
    return (
        order.platform, order.payer_id, order.payer_address, order.payee_id, order.payee_address,
        order.app_session_id or "",
    )  # fmt: skip


def _grouped(orders: Iterable[Order]) -> Iterable[list[Order]]:
    by_payment: dict[str | None, list[Order]] = {}
    for order in orders:
        by_payment.setdefault(order.payment_id, []).append(order)
    return by_payment.values()


def _slices(orders: list[Order]) -> Iterable[list[Order]]:
    return (orders[start : start + MAX_PARTS] for start in range(0, len(orders), MAX_PARTS))


async def _assign(entry: Entry, orders: Sequence[Order]) -> list[Order]:
    payment_id = str(uuid4())
    return [await entry.records.put(msgspec.structs.replace(order, payment_id=payment_id)) for order in orders]


def _payment_of(orders: Sequence[Order]) -> Payment:
    first = orders[0]
    assert first.payment_id is not None
    return Payment(
        id=first.payment_id,
        role=Role.REQUESTOR,
        owner_id=first.payer_id,
        payer_id=first.payer_id,
        payer_address=first.payer_address,
        payee_id=first.payee_id,
        payee_address=first.payee_address,
        platform=first.platform,
        amount=sum((order.amount for order in orders), Decimal(0)),
        parts=tuple(_part(order) for order in orders),
        proof=b"",
        app_session_id=first.app_session_id,
        created=first.created,
        told=False,
    )


def _part(order: Order) -> PaymentPart:
    return PaymentPart(order.agreement_id, order.activity_id, order.amount, order.document_id, order.allocation_id)


def _received(message: SendPayment) -> Payment:
    return Payment(
        **msgspec.structs.asdict(message),
        role=Role.PROVIDER,
        owner_id=message.payee_id,
        app_session_id=None,
        created=moments.now(),
    )


def _transfer(payment: Payment) -> Transfer:
    return Transfer(**{name: getattr(payment, name) for name in Transfer.__struct_fields__})
