"""Two machines that talk through Golem Net, and what may befall them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from tests.lab.laboratory import Laboratory, Site, laboratory
from tests.lab.nodes import Node, Nodes, attach
from tests.lab.sites import PUBLIC, Kind
from tests.lab.traffic import echo

ADDRESSES = ("10.97.0.2", "10.97.0.3")
RELAYS = 2
PATIENCE = 60.0
"""A direct path that was given up may be tried again after half a minute only."""
PAUSE = 0.02


@dataclass(frozen=True)
class Stage:
    """The machines, and what they need to find each other."""

    lab: Laboratory
    hub: Node
    relays: dict[str, Node]
    """By their public addresses; the hub runs none, so that each can die alone."""
    sites: tuple[Site, Site]
    nodes: tuple[Node, Node]
    network: str
    began: float
    """The moment before their network was made."""

    def path(self) -> dict[str, Any]:
        """Tells how packets of the first machine get to the second; no way while the first knows nothing of it."""
        try:
            path: dict[str, Any] = self.nodes[0].peer(self.nodes[1])["path"]
        except LookupError:
            return {"kind": "none", "relay": None}
        return path

    def wait_path(self, kind: str) -> float:
        """Returns when the path is of a kind, and tells when that was seen.

        Raises:
            AssertionError: it never is.
        """
        deadline = monotonic() + PATIENCE
        while (path := self.path())["kind"] != kind:
            assert monotonic() < deadline, f"no {kind} path: {path}"
            sleep(PAUSE)
        return monotonic()


Event = Callable[[Stage], AbstractContextManager[float]]
"""Something that happens while the first machine talks to the second; gives when the outage begins, and repairs."""


@contextmanager
def stage(folder: Path, kinds: tuple[Kind, Kind], *options: str) -> Iterator[Stage]:
    """Sets up two machines at sites of these kinds, attached to one network; the second one echoes.

    Args:
        folder: Where daemons keep what they know.
        kinds: What the sites look like.
        options: Those of the two machines' daemons.
    """
    with ExitStack() as stack:
        lab = stack.enter_context(laboratory())
        nodes = Nodes(folder, stack)
        hub = nodes.hub(lab.site(PUBLIC).machine, "--no-relay")
        relay_sites = [lab.site(PUBLIC) for _ in range(RELAYS)]
        sites = (lab.site(kinds[0]), lab.site(kinds[1]))
        relays = nodes.relays(hub, [site.machine for site in relay_sites])
        one, other = nodes.join(hub, {site.machine: options for site in sites})
        stack.enter_context(echo(other.machine))
        began = monotonic()
        network = attach(hub, dict(zip((one, other), ADDRESSES, strict=True)))
        by_address = {site.public_address: relay for site, relay in zip(relay_sites, relays, strict=True)}
        yield Stage(lab, hub, by_address, sites, (one, other), network, began)


@contextmanager
def address_change(stage: Stage) -> Iterator[float]:
    """The first machine's site gets another public address."""
    stage.sites[0].move()
    yield monotonic()


@contextmanager
def nat_rebind(stage: Stage) -> Iterator[float]:
    """The router in front of the first machine forgets its mappings, and maps to other ports from then on."""
    stage.sites[0].rebind()
    yield monotonic()


@contextmanager
def path_death(stage: Stage) -> Iterator[float]:
    """No UDP gets through to the first machine any more, and nobody is told."""
    stage.lab.block_udp(stage.sites[0])
    yield monotonic()
    stage.lab.unblock_udp(stage.sites[0])


@contextmanager
def relay_death(stage: Stage) -> Iterator[float]:
    """The relay that carries the packets is killed."""
    relay = str(stage.path()["relay"])
    [node] = [node for address, node in stage.relays.items() if f"//{address}:" in relay]
    node.kill()
    yield monotonic()
    node.start()
    node.wait_ready()


@contextmanager
def hub_death(stage: Stage) -> Iterator[float]:
    """The hub's daemon is killed."""
    stage.hub.kill()
    yield monotonic()
    stage.hub.start()
    stage.hub.wait_ready()


@contextmanager
def peer_restart(stage: Stage) -> Iterator[float]:
    """The second machine's daemon is killed and started again; the outage counts from its machine's return."""
    peer = stage.nodes[1]
    peer.kill()
    peer.start()
    peer.wait_ready()
    peer.ask_until(lambda client: client.attach(stage.network), "attached")
    yield monotonic()


ANY_PATH: dict[str, Event] = {
    "address change": address_change,
    "NAT rebind": nat_rebind,
    "hub death": hub_death,
    "peer restart": peer_restart,
}
EVENTS: dict[str, dict[str, Event]] = {
    "direct": ANY_PATH | {"path death": path_death},
    "relayed": ANY_PATH | {"relay death": relay_death},
}
"""What may befall machines, by the kind of path between them."""
