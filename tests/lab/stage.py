"""Two machines that talk through Golem Net, and what may befall them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from tests.lab.laboratory import Laboratory, Site, laboratory
from tests.lab.nodes import Node, Nodes, attach
from tests.lab.sites import PUBLIC, Kind
from tests.lab.traffic import echo

ADDRESSES = ("10.97.0.2", "10.97.0.3")


@dataclass(frozen=True)
class Stage:
    """The machines, and what they need to find each other."""

    lab: Laboratory
    hub: Node
    sites: tuple[Site, Site]
    nodes: tuple[Node, Node]
    network: str
    began: float
    """The moment before their network was made."""


Event = Callable[[Stage], AbstractContextManager[float]]
"""Something that happens while the first machine talks to the second; gives when the outage begins, and repairs."""


@contextmanager
def stage(folder: Path, kinds: tuple[Kind, Kind]) -> Iterator[Stage]:
    """Sets up two machines at sites of these kinds, attached to one network; the second one echoes."""
    with ExitStack() as stack:
        lab = stack.enter_context(laboratory())
        nodes = Nodes(folder, stack)
        hub = nodes.hub(lab.site(PUBLIC).machine)
        sites = (lab.site(kinds[0]), lab.site(kinds[1]))
        one, other = nodes.join(hub, {site.machine: () for site in sites})
        stack.enter_context(echo(other.machine))
        began = monotonic()
        network = attach(hub, dict(zip((one, other), ADDRESSES, strict=True)))
        yield Stage(lab, hub, sites, (one, other), network, began)


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


EVENTS: dict[str, Event] = {
    "address change": address_change,
    "NAT rebind": nat_rebind,
    "hub death": hub_death,
    "peer restart": peer_restart,
}
