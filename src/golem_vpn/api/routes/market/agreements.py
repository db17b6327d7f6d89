"""Agreements: made by requestors, approved by providers, ended by either."""

from datetime import UTC, datetime
from typing import Annotated, Any

from litestar import MediaType, Request, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.status_codes import HTTP_200_OK, HTTP_204_NO_CONTENT

from golem_vpn.api.clients import while_connected
from golem_vpn.api.dependencies import Agreements, Caller
from golem_vpn.api.failures import json_body, raises
from golem_vpn.api.json_string import JsonString
from golem_vpn.api.market_models import AppSession, NewMarketAgreement, Reason, events_of
from golem_vpn.api.polls import After, MaxEvents, Timeout, moment, seconds
from golem_vpn.market.documents import (
    Agreement,
    AgreementChange,
    AgreementEntry,
    agreement_change,
    agreement_document,
    agreement_entry,
)
from golem_vpn.moments import in_utc
from golem_vpn.store.agreements import AgreementState

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@post(
    "/agreements",
    status_code=HTTP_200_OK,
    guards=[json_body],
    media_type=MediaType.JSON,
    response_class=JsonString,
    responses=raises(400, 403, 404, 409, 410),
)
async def create_agreement(caller: Caller, agreements: Agreements, data: JSONBody[NewMarketAgreement]) -> str:
    """Makes an agreement of a provider's proposal, and gives its id; it has to be confirmed."""
    return await agreements.create(caller.identity, data.proposal_id, in_utc(data.valid_to))


@get("/agreements", responses=raises(400))
async def list_agreements(
    caller: Caller,
    agreements: Agreements,
    in_state: Annotated[AgreementState | None, QueryParameter(name="state")] = None,
    after_date: Annotated[str | None, QueryParameter(name="afterDate")] = None,
    before_date: Annotated[str | None, QueryParameter(name="beforeDate")] = None,
    app_session_id: AppSession = None,
) -> list[AgreementEntry]:
    """Lists the caller's agreements in both roles, oldest first."""
    after, before = moment(after_date), moment(before_date)
    return [
        agreement_entry(agreement)
        for agreement in await agreements.list(caller.identity)
        if in_state in {None, agreement.state}
        and app_session_id in {None, agreement.app_session_id}
        and (after is None or agreement.created > after)
        and (before is None or agreement.created < before)
    ]


@get("/agreements/{agreement_id:str}", responses=raises(403, 404))
async def show_agreement(caller: Caller, agreements: Agreements, agreement_id: FromPath[str]) -> Agreement:
    """Shows an agreement."""
    return agreement_document(await agreements.show(caller.identity, agreement_id))


@post(
    "/agreements/{agreement_id:str}/confirm",
    status_code=HTTP_204_NO_CONTENT,
    responses=raises(403, 404, 409, 410),
)
async def confirm_agreement(
    caller: Caller, agreements: Agreements, agreement_id: FromPath[str], app_session_id: AppSession = None
) -> None:
    """Sends an agreement to its provider, who may approve it."""
    await agreements.confirm(caller.identity, agreement_id, app_session_id)


@post(
    "/agreements/{agreement_id:str}/wait",
    status_code=HTTP_204_NO_CONTENT,
    responses=raises(400, 403, 404, 408, 409, 410),
)
async def wait_for_approval(
    caller: Caller,
    agreements: Agreements,
    request: Request[Any, Any, Any],
    agreement_id: FromPath[str],
    timeout: Timeout = None,
) -> None:
    """Answers when the provider has approved an agreement, or will not; 408 when the time (seconds) is over."""
    wait = seconds(timeout)
    await while_connected(request, lambda: agreements.wait(caller.identity, agreement_id, wait))


@post(
    "/agreements/{agreement_id:str}/cancel",
    status_code=HTTP_204_NO_CONTENT,
    responses=raises(400, 403, 404, 409, 410),
)
async def cancel_agreement(
    caller: Caller, agreements: Agreements, agreement_id: FromPath[str], data: JSONBody[Reason | None] = None
) -> None:
    """Takes an agreement back that the provider has not approved yet."""
    await agreements.cancel(caller.identity, agreement_id, data)


@post(
    "/agreements/{agreement_id:str}/approve",
    status_code=HTTP_204_NO_CONTENT,
    responses=raises(400, 403, 404, 408, 409, 410),
)
async def approve_agreement(
    caller: Caller,
    agreements: Agreements,
    agreement_id: FromPath[str],
    app_session_id: AppSession = None,
    timeout: Timeout = None,
) -> None:
    """Says yes to a requestor's agreement, and answers when the requestor knows: then it is in force."""
    await agreements.approve(caller.identity, agreement_id, app_session_id, seconds(timeout))


@post(
    "/agreements/{agreement_id:str}/reject",
    status_code=HTTP_204_NO_CONTENT,
    responses=raises(400, 403, 404, 409, 410),
)
async def reject_agreement(
    caller: Caller, agreements: Agreements, agreement_id: FromPath[str], data: JSONBody[Reason | None] = None
) -> None:
    """Says no to a requestor's agreement."""
    await agreements.reject(caller.identity, agreement_id, data)


@post(
    "/agreements/{agreement_id:str}/terminate",
    status_code=HTTP_200_OK,
    responses=raises(400, 403, 404, 409, 410),
)
async def terminate_agreement(
    caller: Caller, agreements: Agreements, agreement_id: FromPath[str], data: JSONBody[Reason | None] = None
) -> None:
    """Ends an agreement, and the activities under it."""
    await agreements.terminate(caller.identity, agreement_id, data)


@post("/agreements/{agreement_id:str}/terminate/reason", status_code=HTTP_200_OK, responses=raises(403, 404))
async def show_reason(caller: Caller, agreements: Agreements, agreement_id: FromPath[str]) -> Reason | None:
    """Tells why an agreement ended."""
    return (await agreements.show(caller.identity, agreement_id)).reason


@get("/agreementEvents", responses=raises(400))
async def collect_agreement_events(
    caller: Caller,
    agreements: Agreements,
    request: Request[Any, Any, Any],
    timeout: Timeout = None,
    after_timestamp: After = None,
    max_events: MaxEvents = None,
    app_session_id: AppSession = None,
) -> list[AgreementChange]:
    """Gives what happened to the caller's agreements after a moment, once there is something or the time is over.

    No two events have the same date: that of the last one is the moment to ask with next.
    """
    after, wait, limit = moment(after_timestamp) or BEGINNING, seconds(timeout), events_of(max_events)
    events = await while_connected(
        request, lambda: agreements.events(caller.identity, after, wait, limit, app_session_id)
    )
    return [agreement_change(event) for event in events]


handlers = [
    create_agreement, list_agreements, show_agreement, confirm_agreement, wait_for_approval, cancel_agreement,
    approve_agreement, reject_agreement, terminate_agreement, show_reason, collect_agreement_events,
]  # fmt: skip
