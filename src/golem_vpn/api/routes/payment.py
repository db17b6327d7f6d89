"""The Payment API: accounts, allocations, payments."""

from typing import Annotated, Any

from litestar import Request, Router, delete, get, post, put
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED

from golem_vpn import moments
from golem_vpn.api import payment_models as models
from golem_vpn.api import prefixes
from golem_vpn.api.clients import while_connected
from golem_vpn.api.dependencies import Caller, Payments
from golem_vpn.api.failures import json_body, raises
from golem_vpn.api.polls import After, Limit, MaxEvents, PollTimeout, Timeout, moment, number_of, seconds
from golem_vpn.errors import InvalidInput
from golem_vpn.payment import amounts
from golem_vpn.payment.service import PaymentService

MAX_DECORATED = 100

Part = Annotated[str | None, QueryParameter()]


@get("/requestorAccounts", responses=raises())
async def list_requestor_accounts(caller: Caller, payments: Payments) -> list[models.Account]:
    """Lists what the caller can pay from."""
    return _accounts(payments, caller.identity, send=True)


@get("/providerAccounts", responses=raises())
async def list_provider_accounts(caller: Caller, payments: Payments) -> list[models.Account]:
    """Lists what the caller can be paid to."""
    return _accounts(payments, caller.identity, send=False)


@post("/allocations", status_code=HTTP_201_CREATED, guards=[json_body], responses=raises(400))
async def create_allocation(
    caller: Caller, payments: Payments, data: JSONBody[models.NewAllocation]
) -> models.AllocationInfo:
    """Sets money aside, of which invoices and debit notes can be paid."""
    if data.make_deposit or data.deposit:
        raise InvalidInput("no platform of this node has deposits")
    allocation = await payments.allocations.create(
        caller.identity,
        amounts.parse(data.total_amount, "totalAmount"),
        platform=_platform(payments, data.payment_platform),
        address=data.address,
        expires=None if data.timeout is None else moments.in_utc(data.timeout),
    )
    return models.AllocationInfo.of(allocation)


@get("/allocations", responses=raises(400))
async def list_allocations(
    caller: Caller, payments: Payments, after: After = None, max_items: Limit = None
) -> list[models.AllocationInfo]:
    """Lists the caller's allocations that are in force, oldest first."""
    found = await payments.allocations.list(caller.identity, moment(after), number_of(max_items, "maxItems"))
    return [models.AllocationInfo.of(allocation) for allocation in found]


@get("/allocations/{allocation_id:str}", responses=raises(404, 410))
async def show_allocation(caller: Caller, payments: Payments, allocation_id: FromPath[str]) -> models.AllocationInfo:
    """Shows an allocation."""
    return models.AllocationInfo.of(await payments.allocations.show(caller.identity, allocation_id))


@put("/allocations/{allocation_id:str}", guards=[json_body], responses=raises(400, 404, 410))
async def amend_allocation(
    caller: Caller, payments: Payments, allocation_id: FromPath[str], data: JSONBody[models.AllocationUpdate]
) -> models.AllocationInfo:
    """Changes how much is set aside, and until when."""
    changes: dict[str, object] = {}
    if data.total_amount is not None:
        changes["total"] = amounts.parse(data.total_amount, "totalAmount")
    if data.timeout is not None:
        changes["expires"] = moments.in_utc(data.timeout)
    return models.AllocationInfo.of(await payments.allocations.amend(caller.identity, allocation_id, **changes))


@delete("/allocations/{allocation_id:str}", status_code=HTTP_200_OK, responses=raises(404, 410))
async def release_allocation(caller: Caller, payments: Payments, allocation_id: FromPath[str]) -> None:
    """Gives back what is left of an allocation."""
    await payments.allocations.release(caller.identity, allocation_id)


@get("/demandDecorations", responses=raises(400, 404, 410))
async def show_decorations(
    caller: Caller, payments: Payments, allocation_ids: Annotated[list[str], QueryParameter(name="allocationIds")]
) -> models.Decorations:
    """Tells what a demand has to say that is to be paid from allocations: separated by commas, or named repeatedly."""
    ids = [id for text in allocation_ids for id in text.split(",") if id]
    if not 1 <= len(ids) <= MAX_DECORATED:
        raise InvalidInput(f"allocationIds has to name 1 to {MAX_DECORATED} allocations")
    decoration = await payments.allocations.decorate(caller.identity, ids)
    properties = [models.Property(key, value) for key, value in decoration.properties.items()]
    return models.Decorations(properties, list(decoration.constraints))


@get("/payments", responses=raises(400))
async def list_payments(
    request: Request[Any, Any, Any],
    caller: Caller,
    payments: Payments,
    timeout: Timeout = None,
    poll_timeout: PollTimeout = None,
    after: After = None,
    max_events: MaxEvents = None,
    app_session_id: Annotated[str | None, QueryParameter(name="appSessionId")] = None,
    network: Part = None,
    driver: Part = None,
) -> list[models.PaymentInfo]:
    """Lists payments by and to the caller, oldest first, once there are some or the time (seconds) is over."""
    chosen: dict[str, object] = {} if app_session_id is None else {"app_session_id": app_session_id}
    if network or driver:
        chosen["platform"] = tuple(_matching(payments, driver, network, None))
    wait, since, limit = seconds(timeout, poll_timeout), moment(after), number_of(max_events, "maxEvents")
    found = await while_connected(
        request, lambda: payments.payments(caller.identity, wait, after=since, limit=limit, **chosen)
    )
    return [models.PaymentInfo.of(payment) for payment in found]


@get("/payments/status", responses=raises())
async def show_problems(caller: Caller) -> list[dict[str, str]]:
    """Lists what keeps drivers from paying; the ledger has nothing that could."""
    return []


@get("/payments/{payment_id:str}", responses=raises(404))
async def show_payment(caller: Caller, payments: Payments, payment_id: FromPath[str]) -> models.PaymentInfo:
    """Shows a payment by or to the caller."""
    return models.PaymentInfo.of(await payments.payment(caller.identity, payment_id))


@get("/balances", responses=raises())
async def list_balances(caller: Caller, payments: Payments) -> list[models.BalanceInfo]:
    """Tells what the caller and others have paid to each other."""
    return [models.BalanceInfo.of(balance) for balance in await payments.balances(caller.identity)]


def _accounts(payments: PaymentService, address: str, *, send: bool) -> list[models.Account]:
    return [
        models.Account.of(address, platform, driver, send=send)
        for driver in payments.drivers
        for platform in driver.platforms
    ]


def _platform(payments: PaymentService, wanted: str | models.PlatformParts | None) -> str | None:
    if not isinstance(wanted, models.PlatformParts):
        return wanted
    found = _matching(payments, wanted.driver, wanted.network, wanted.token)
    if not found:
        raise InvalidInput("paymentPlatform: this node has no account of that kind")
    return found[0]


def _matching(payments: PaymentService, *parts: str | None) -> list[str]:
    """Lists the platforms of a driver, network and token, of each that is named."""
    return [
        platform.name
        for driver in payments.drivers
        for platform in driver.platforms
        if all(
            wanted is None or wanted == part
            for wanted, part in zip(parts, (platform.driver, platform.network, platform.token), strict=True)
        )
    ]


def router() -> Router:
    """Gives the routes."""
    handlers = [
        list_requestor_accounts, list_provider_accounts, create_allocation, list_allocations, show_allocation,
        amend_allocation, release_allocation, show_decorations, list_payments, show_problems, show_payment,
        list_balances,
    ]  # fmt: skip
    return Router(prefixes.PAYMENT, route_handlers=handlers, tags=["Payment API"])
