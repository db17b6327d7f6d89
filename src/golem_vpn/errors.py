"""The error tree, on one page.

A class carries the HTTP status that the API answers with; its docstring is the help that the command line prints.
"""

from http import HTTPStatus
from typing import ClassVar


class GolemVpnError(Exception):
    """Something went wrong in golem-vpn."""

    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ConfigurationError(GolemVpnError):
    """The daemon's options or files are not as they must be. `golem-vpn daemon --help` explains the options."""


class InvalidInput(GolemVpnError):
    """The request is malformed, and nothing was changed. The command's `--help` tells what it takes."""

    status = HTTPStatus.BAD_REQUEST


class Unauthorized(GolemVpnError):
    """The application key is missing or unknown. `golem-vpn app-key create NAME` makes one."""

    status = HTTPStatus.UNAUTHORIZED


class Forbidden(GolemVpnError):
    """It does not exist, or belongs to another identity. `golem-vpn network ls` lists your networks."""

    status = HTTPStatus.FORBIDDEN


class Expelled(Forbidden):
    """A hub expelled that node. `golem-vpn hub admit NODE` at the hub takes it back."""


class NotFound(GolemVpnError):
    """What was named is not there. `golem-vpn network ls`, `nodes` and `app-key ls` list what is."""

    status = HTTPStatus.NOT_FOUND


class Gone(GolemVpnError):
    """The object was there and has ended."""

    status = HTTPStatus.GONE


class NotYet(GolemVpnError):
    """It has neither come about nor failed in the time given. Ask again."""

    status = HTTPStatus.REQUEST_TIMEOUT


class Conflict(GolemVpnError):
    """It contradicts the present state, and nothing was changed."""

    status = HTTPStatus.CONFLICT


class ConnectionRefused(GolemVpnError):
    """Nothing listens there. Does the payload's program run, and is the address one of this network?"""

    status = HTTPStatus.BAD_REQUEST


class ConnectionTimeout(GolemVpnError):
    """Nothing answered at that address in time."""

    status = HTTPStatus.GATEWAY_TIMEOUT


class PeerUnreachable(GolemVpnError):
    """The other node cannot be reached at the moment. Is its daemon running, and joined to the same hub?"""

    status = HTTPStatus.BAD_GATEWAY


class PeerRefused(GolemVpnError):
    """The other node refused the request; the message is its own."""

    status = HTTPStatus.BAD_GATEWAY


class RuntimeUnavailable(GolemVpnError):
    """This machine cannot run payloads. `golem-vpn doctor` names the cause and the cure."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class RuntimeEnded(GolemVpnError):
    """The surroundings of the activity's payloads are gone, and all that ran in them."""

    status = HTTPStatus.GONE


class Overloaded(GolemVpnError):
    """The daemon does as much of this at once as it allows itself. Try again later."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class TransferFailed(GolemVpnError):
    """The file did not come through. Asking again goes on where it ended, if its content is still the same."""

    status = HTTPStatus.BAD_GATEWAY
