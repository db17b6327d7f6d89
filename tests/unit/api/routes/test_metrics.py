import httpx
import pytest

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("path", ["/metrics", "/metrics-api/v1/expose"])
async def test_prometheus_reads_without_a_key(stranger: httpx.AsyncClient, path: str) -> None:
    response = await stranger.get(path)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain")
    lines = response.text.splitlines()
    assert "golem_vpn_packets_in_total 3.0" in lines
    assert 'golem_vpn_drops_total{reason="spoofed_source"} 2.0' in lines
    assert 'golem_vpn_offload_active{offload="udp_gro"} 0.0' in lines
    assert "golem_vpn_peers 2.0" in lines
    assert "golem_vpn_gates_open 0.0" in lines
    assert "golem_vpn_raw_gates_open 0.0" in lines
    assert 'golem_vpn_peer_paths{kind="relayed"} 1.0' in lines
    assert 'golem_vpn_peer_paths{kind="none"} 1.0' in lines
    assert 'golem_vpn_peer_paths{kind="direct"} 0.0' in lines
    assert 'golem_vpn_relays{state="connected"} 1.0' in lines
    assert 'golem_vpn_relays{state="failed"} 1.0' in lines
    assert "golem_vpn_relay_bytes 5.0" in lines
    assert "golem_vpn_reflected_addresses 1.0" in lines
    assert "golem_vpn_nat_symmetric 0.0" in lines
