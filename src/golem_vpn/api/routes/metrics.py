"""What Prometheus reads; needs no key, and names no address."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from litestar import MediaType, Response, get
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, UnknownMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from golem_vpn.api.dependencies import Activities, Node, OpenGates
from golem_vpn.api.gate import Gates
from golem_vpn.api.ports import NodeView
from golem_vpn.net.relay_view import RelayState, State


@dataclass(frozen=True, eq=False)
class SnapshotCollector(Collector):
    """Writes what was counted until one moment as metrics."""

    node: NodeView
    snapshot: dict[str, Any]
    relays: Sequence[RelayState]
    gates: Gates
    waiting: int

    def collect(self) -> Iterator[Metric]:
        """Gives the metrics."""
        for name, value in self.snapshot["counters"].items():
            metric = f"golem_vpn_{name}"
            yield CounterMetricFamily(metric, f"Data plane: {name.replace('_', ' ')}", value=value)
        yield _labelled(CounterMetricFamily, "drops", "Packets dropped", "reason", self.snapshot["drops"])
        offloads = self.snapshot["offloads"]
        yield _labelled(GaugeMetricFamily, "offload_active", "Whether an offload is in use", "offload", offloads)
        yield from self._gates()
        yield GaugeMetricFamily("golem_vpn_result_polls", "Calls that wait for results", value=self.waiting)
        connected = len(list(self.node.connected()))
        yield GaugeMetricFamily("golem_vpn_control_connections", "Nodes connected to", value=connected)
        yield from self._paths()
        yield from self._relays()

    def _gates(self) -> Iterator[Metric]:
        tcp, raw, drops = self.gates.tcp, self.gates.raw, self.gates.raw_drops()
        yield _labelled(CounterMetricFamily, "gates_ended", "Gates that have ended", "reason", tcp.ends)
        yield GaugeMetricFamily("golem_vpn_gates_open", "Gates open now", value=tcp.open)
        yield _labelled(CounterMetricFamily, "raw_gates_ended", "Raw gates that have ended", "reason", raw.ends)
        yield GaugeMetricFamily("golem_vpn_raw_gates_open", "Raw gates open now", value=raw.open)
        yield _labelled(CounterMetricFamily, "raw_gate_drops", "Frames dropped by raw gates", "reason", drops)

    def _paths(self) -> Iterator[Metric]:
        peers = list(self.node.peers())
        yield GaugeMetricFamily("golem_vpn_peers", "Nodes that share a network", value=len(peers))
        kinds = {peer["nodeId"]: peer["path"]["kind"] for peer in self.snapshot["peers"]}
        paths = dict.fromkeys(("direct", "relayed", "none"), 0) | Counter(kinds.get(peer, "none") for peer in peers)
        yield _labelled(GaugeMetricFamily, "peer_paths", "Peers by the kind of path to them", "kind", paths)
        nat = self.snapshot.get("nat", {})
        reflected = len(nat.get("reflected", ()))
        yield GaugeMetricFamily("golem_vpn_reflected_addresses", "Addresses this node was seen at", value=reflected)
        if (symmetric := nat.get("symmetric")) is not None:
            yield GaugeMetricFamily(
                "golem_vpn_nat_symmetric", "Whether a NAT chooses a port per destination", value=float(symmetric)
            )

    def _relays(self) -> Iterator[Metric]:
        states = dict.fromkeys(get_args(State), 0) | Counter(relay.state for relay in self.relays)
        yield _labelled(GaugeMetricFamily, "relays", "Relays of the joined hubs", "state", states)
        for name, value in self.node.relay_counters().items():
            yield UnknownMetricFamily(f"golem_vpn_{name}", f"Own relay: {name.replace('_', ' ')}", value=value)


def _labelled(
    family: type[CounterMetricFamily | GaugeMetricFamily], name: str, help_text: str, label: str,
    values: Mapping[str, float],
) -> Metric:  # fmt: skip
    metric = family(f"golem_vpn_{name}", help_text, labels=[label])
    for value, count in values.items():
        metric.add_metric([value], float(count))
    return metric


@get(["/metrics", "/metrics-api/v1/expose"], media_type=MediaType.TEXT, security=[{}], tags=["Daemon"])
async def expose_metrics(node: Node, gates: OpenGates, activities: Activities) -> Response[bytes]:
    """Gives the counters in the text form of Prometheus."""
    snapshot, relays = await node.snapshot(), await node.relays()
    collector = SnapshotCollector(node, snapshot, relays, gates, activities.waiting)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


handlers = [expose_metrics]
