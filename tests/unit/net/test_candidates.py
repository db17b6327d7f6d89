from golem_vpn.net.candidates import MAX_REFLECTED, own_candidates
from golem_vpn.net.memory_topology import MemoryTopology
from golem_vpn.net.record import MAX_CANDIDATES, Candidate


def test_each_address_is_named_once_with_its_source() -> None:
    topology = MemoryTopology()
    topology.addresses = ["10.0.0.2:11501", "[2001:db8::2]:11501"]
    topology.reflected = ["198.51.100.1:4000", "10.0.0.2:11501", "203.0.113.9:11501"]
    topology.mapped = ["198.51.100.1:11501"]
    assert own_candidates(topology, ["203.0.113.9:11501"]) == [
        Candidate("203.0.113.9:11501", "configured"),
        Candidate("198.51.100.1:11501", "mapped"),
        Candidate("198.51.100.1:4000", "reflected"),
        Candidate("10.0.0.2:11501", "interface"),
        Candidate("[2001:db8::2]:11501", "interface"),
    ]


def test_the_order_of_reflections_alone_is_no_change() -> None:
    topology = MemoryTopology()
    topology.reflected = ["198.51.100.1:4000", "198.51.100.1:4001"]
    before = own_candidates(topology, [])
    topology.reflected.reverse()
    assert own_candidates(topology, []) == before


def test_there_are_no_more_than_a_record_takes() -> None:
    topology = MemoryTopology()
    topology.reflected = [f"198.51.100.1:{port}" for port in range(1, 100)]
    topology.addresses = [f"10.0.0.{number}:11501" for number in range(1, 100)]
    candidates = own_candidates(topology, [])
    assert len(candidates) == MAX_CANDIDATES
    assert sum(candidate.source == "reflected" for candidate in candidates) == MAX_REFLECTED
