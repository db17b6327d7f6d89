"""What Prometheus reads; needs no key, and names no address."""

from collections.abc import Iterator
from typing import Any

from litestar import MediaType, Response, get
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from golem_vpn.api.dependencies import Activities, Node, OpenGates
from golem_vpn.api.gate import Gates
from golem_vpn.api.ports import NodeView


class SnapshotCollector(Collector):
    """Writes one snapshot of the data plane as metrics."""

    def __init__(self, node: NodeView, snapshot: dict[str, Any], gates: Gates, waiting: int) -> None:
        self._node = node
        self._snapshot = snapshot
        self._gates = gates
        self._waiting = waiting

    def collect(self) -> Iterator[Metric]:
        """Gives the metrics."""
        for name, value in self._snapshot["counters"].items():
            metric = f"golem_vpn_{name}"
            yield CounterMetricFamily(metric, f"Data plane: {name.replace('_', ' ')}", value=value)
        drops = CounterMetricFamily("golem_vpn_drops", "Packets dropped", labels=["reason"])
        for reason, count in self._snapshot["drops"].items():
            drops.add_metric([reason], count)
        yield drops
        offloads = GaugeMetricFamily("golem_vpn_offload_active", "Whether an offload is in use", labels=["offload"])
        for offload, active in self._snapshot["offloads"].items():
            offloads.add_metric([offload], float(active))
        yield offloads
        ends = CounterMetricFamily("golem_vpn_gates_ended", "Gates that have ended", labels=["reason"])
        for reason, count in self._gates.ends.items():
            ends.add_metric([reason], count)
        yield ends
        yield GaugeMetricFamily("golem_vpn_gates_open", "Gates open now", value=self._gates.open)
        yield GaugeMetricFamily("golem_vpn_result_polls", "Calls that wait for results", value=self._waiting)
        yield GaugeMetricFamily("golem_vpn_peers", "Nodes that share a network", value=len(list(self._node.peers())))
        connected = len(list(self._node.connected()))
        yield GaugeMetricFamily("golem_vpn_control_connections", "Nodes connected to", value=connected)


@get(["/metrics", "/metrics-api/v1/expose"], media_type=MediaType.TEXT, security=[{}], tags=["Daemon"])
async def expose_metrics(node: Node, gates: OpenGates, activities: Activities) -> Response[bytes]:
    """Gives the counters in the text form of Prometheus."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(SnapshotCollector(node, await node.snapshot(), gates, activities.waiting))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


handlers = [expose_metrics]
