"""The calls of the REST API about hubs."""

from golem_vpn.sdk import models
from golem_vpn.sdk.connection import Connection, path_of

DAEMON = "/golem-vpn/v1"
HUB = f"{DAEMON}/hub"


class Hub:
    """Joins and leaves hubs, and rules the daemon's own."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def join(self, ticket: str) -> None:
        """Has the daemon join the hub that a ticket is from."""
        await self._connection.ask(type(None), "POST", f"{DAEMON}/join", {"ticket": ticket})

    async def leave(self, hub: str | None = None) -> str:
        """Has the daemon leave a hub, the only one where none is named, and tells which."""
        return (await self._connection.ask(dict[str, str], "POST", f"{DAEMON}/leave", {"hub": hub}))["hub"]

    async def create_ticket(self, *, expires: int | None = None, uses: int | None = None) -> models.Ticket:
        """Makes a ticket, good for so many seconds (30 days by default) and so many nodes (any number)."""
        query = {name: value for name, value in (("expires", expires), ("uses", uses)) if value is not None}
        return await self._connection.ask(models.Ticket, "POST", f"{DAEMON}/ticket", **query)

    async def tickets(self) -> list[models.Ticket]:
        """Lists the tickets that have not expired."""
        return await self._connection.ask(list[models.Ticket], "GET", f"{HUB}/tickets")

    async def revoke(self, ticket_id: str) -> None:
        """Makes a ticket void; whom it admitted stays."""
        await self._connection.ask(type(None), "DELETE", path_of(HUB, "tickets", ticket_id))

    async def nodes(self) -> list[models.HubNode]:
        """Lists the nodes that the hub admitted, and those that it expelled."""
        return await self._connection.ask(list[models.HubNode], "GET", f"{HUB}/nodes")

    async def admit(self, node_id: str) -> None:
        """Makes a node a member without a ticket's use, also one that was expelled."""
        await self._connection.ask(type(None), "POST", path_of(HUB, "nodes", node_id, "admit"))

    async def expel(self, node_id: str) -> str | None:
        """Sends a node away for good, and names the ticket that is void with it."""
        answer = await self._connection.ask(dict[str, str | None], "POST", path_of(HUB, "nodes", node_id, "expel"))
        return answer["revokedTicketId"]
