"""Long polls whose client may hang up."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import anyio
from litestar import Request

from golem_vpn.errors import GolemVpnError, NotYet

T = TypeVar("T")


async def while_connected(request: Request[Any, Any, Any], call: Callable[[], Awaitable[T]]) -> T:
    """Gives what a call gives, unless the client hangs up before: then the call is cancelled, and takes nothing.

    Raises:
        NotYet: the client hung up.
        GolemVpnError: that of the call.
    """
    outcome: list[T] = []
    failure: GolemVpnError = NotYet("the client has hung up")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_cancel_when_gone, request, tasks.cancel_scope)
        try:
            outcome.append(await call())
        except GolemVpnError as error:
            # Raised here, it would come out as one of a group.
            failure = error
        tasks.cancel_scope.cancel()
    if not outcome:
        raise failure
    return outcome[0]


async def _cancel_when_gone(request: Request[Any, Any, Any], scope: anyio.CancelScope) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    scope.cancel()
