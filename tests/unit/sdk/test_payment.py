"""The calls about payment against the real application, over memory."""

from decimal import Decimal

import pytest

from golem_vpn.errors import Gone
from golem_vpn.sdk.client import Client
from tests.unit.payment.kit import HOLESKY, HOODI
from tests.unit.sdk.test_client import daemon

__all__ = ["daemon"]

pytestmark = pytest.mark.anyio


async def test_accounts(daemon: Client) -> None:
    accounts = await daemon.payment.accounts()
    assert [(account.platform, account.moves_tokens) for account in accounts] == [(HOLESKY, False), (HOODI, False)]


async def test_allocations(daemon: Client) -> None:
    allocation = await daemon.payment.allocate("1.25", platform=HOODI)
    assert (allocation.total_amount, allocation.remaining_amount) == (Decimal("1.25"), Decimal("1.25"))
    assert await daemon.payment.allocations() == [allocation]
    await daemon.payment.release(allocation.allocation_id)
    with pytest.raises(Gone):
        await daemon.payment.release(allocation.allocation_id)


async def test_nothing_yet(daemon: Client) -> None:
    assert await daemon.payment.invoices() == []
    assert await daemon.payment.payments() == []
    assert await daemon.payment.balances() == []
