"""A requestor's and a provider's payment service, each with its database, and agreements between them."""

from golem_vpn.net.control import Control
from golem_vpn.payment import platforms
from golem_vpn.payment.ledger import LedgerDriver
from golem_vpn.payment.service import PaymentService
from golem_vpn.store.database import Database
from golem_vpn.store.payment import PaymentRepository

HOLESKY, HOODI = "erc20-holesky-tglm", "erc20-hoodi-tglm"


def make_payments(control: Control, database: Database, patience: float = 0.0) -> PaymentService:
    """Makes the payment service of a node, with a ledger for two platforms."""
    ledger = LedgerDriver(
        PaymentRepository(database), control.identities, [platforms.parse(name) for name in (HOLESKY, HOODI)]
    )
    return PaymentService(control, database, [ledger], patience)
