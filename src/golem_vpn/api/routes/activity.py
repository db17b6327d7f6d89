"""The Activity API, requestor's side: make an activity, run batches in it, end it."""

from functools import partial
from typing import Annotated, Any

from litestar import MediaType, Request, Response, Router, delete, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.status_codes import HTTP_200_OK

from golem_vpn.api import event_stream, prefixes
from golem_vpn.api.activity_models import ActivityStateInfo, ActivityUsageInfo, CommandResultInfo, RunningCommandInfo
from golem_vpn.api.clients import while_connected
from golem_vpn.api.dependencies import Activities, Caller
from golem_vpn.api.failures import answers, json_body, raises
from golem_vpn.api.json_string import JsonString
from golem_vpn.api.models import CreatedActivity, NewActivity, Script

DEFAULT_WAIT_SECONDS = 5.0
MAX_WAIT_SECONDS = 300.0


@post(
    "/activity",
    status_code=HTTP_200_OK,
    guards=[json_body],
    media_type=MediaType.JSON,
    response_class=JsonString,
    responses=raises(400, 403, 404, 409, 410, 502),
)
async def create_activity(
    caller: Caller, activities: Activities, data: JSONBody[str | NewActivity]
) -> str | CreatedActivity:
    """Makes an activity under an agreement, which is named by a string or an object; answered in the same form."""
    if isinstance(data, str):
        return await activities.create(caller.identity, data)
    return CreatedActivity(await activities.create(caller.identity, data.agreement_id))


@get("/activity", responses=raises())
async def list_activities(caller: Caller, activities: Activities) -> list[str]:
    """Lists the ids of the caller's activities that have not ended, oldest first."""
    return await activities.live_ids(caller.identity)


@delete("/activity/{activity_id:str}", status_code=HTTP_200_OK, responses=raises(403, 404))
async def destroy_activity(caller: Caller, activities: Activities, activity_id: FromPath[str]) -> None:
    """Ends an activity."""
    await activities.destroy(caller.identity, activity_id)


@get("/activity/{activity_id:str}/state", responses=answers(ActivityStateInfo) | raises(403, 404))
async def show_state(caller: Caller, activities: Activities, activity_id: FromPath[str]) -> dict[str, Any]:
    """Tells where an activity stands, and where it is on its way to."""
    return (await activities.state(caller.identity, activity_id)).as_json()


@get("/activity/{activity_id:str}/usage", responses=answers(ActivityUsageInfo) | raises(403, 404, 502))
async def show_usage(caller: Caller, activities: Activities, activity_id: FromPath[str]) -> dict[str, Any]:
    """Tells what an activity has used, in the order of the agreement's usage vector."""
    return (await activities.usage(caller.identity, activity_id)).as_json()


@get(
    "/activity/{activity_id:str}/command",
    responses=answers(list[RunningCommandInfo]) | raises(403, 404, 410, 502),
)
async def show_running_commands(
    caller: Caller, activities: Activities, activity_id: FromPath[str]
) -> list[dict[str, Any]]:
    """Lists the command of each batch that runs at the moment."""
    return [command.as_json() for command in await activities.running(caller.identity, activity_id)]


@get(
    "/activity/{activity_id:str}/agreement",
    media_type=MediaType.JSON,
    response_class=JsonString,
    responses=raises(403, 404),
)
async def show_activity_agreement(caller: Caller, activities: Activities, activity_id: FromPath[str]) -> str:
    """Tells under which agreement an activity is."""
    return (await activities.agreement(caller.identity, activity_id)).id


@post(
    "/activity/{activity_id:str}/exec",
    status_code=HTTP_200_OK,
    guards=[json_body],
    media_type=MediaType.JSON,
    response_class=JsonString,
    responses=raises(400, 403, 404, 409, 410, 502),
)
async def execute(caller: Caller, activities: Activities, activity_id: FromPath[str], data: JSONBody[Script]) -> str:
    """Hands a batch of commands in, and gives its id."""
    return await activities.exec(caller.identity, activity_id, data.text)


@get(
    "/activity/{activity_id:str}/exec/{batch_id:str}",
    operation_class=event_stream.JsonOrEventStream,
    responses=answers(list[CommandResultInfo]) | raises(400, 403, 404, 410, 502),
)
async def show_results(
    request: Request[Any, Any, Any],
    caller: Caller,
    activities: Activities,
    activity_id: FromPath[str],
    batch_id: FromPath[str],
    timeout: Annotated[float, QueryParameter(ge=0)] = DEFAULT_WAIT_SECONDS,
    command_index: Annotated[int | None, QueryParameter(name="commandIndex", ge=0)] = None,
    max_items: Annotated[int | None, QueryParameter(name="maxItems", ge=0)] = None,
) -> Response[Any]:
    """Gives all results of a batch so far, once there is a new one or the time (seconds) is over.

    With `Accept: text/event-stream` it gives what happens in the batch, as it happens: events named `runtime` of the
    kinds started, stdout, stderr, progress and finished, from the first one on, or after that of `Last-Event-ID`.
    """
    if event_stream.EVENT_STREAM in request.headers.get("accept", ""):
        reader = await activities.events(caller.identity, activity_id, batch_id, event_stream.last_event_id(request))
        return await event_stream.answer(reader)
    poll = partial(
        activities.results,
        caller.identity,
        activity_id,
        batch_id,
        min(timeout, MAX_WAIT_SECONDS),
        max_items,
        command_index,
    )
    results = await while_connected(request, poll)
    return Response([result.as_json() for result in results], media_type=MediaType.JSON)


def router() -> Router:
    """Gives the routes."""
    handlers = [
        create_activity, list_activities, destroy_activity, show_state, show_usage, show_running_commands,
        show_activity_agreement, execute, show_results,
    ]  # fmt: skip
    return Router(prefixes.ACTIVITY, route_handlers=handlers, tags=["Activity API"])
