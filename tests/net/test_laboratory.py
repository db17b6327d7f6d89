"""The laboratory itself: sites reach what they should, and wires do the harm that they are told."""

import contextlib
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.lab.laboratory import Laboratory, Site, laboratory
from tests.lab.namespace import Namespace
from tests.lab.sites import DOUBLE, FIREWALL, HOME, NARROW, NO_UDP, PUBLIC, ROUGH, SIX, SLOW, SYMMETRIC, TIGHT, Kind
from tests.lab.traffic import check_stream, echo

pytestmark = [pytest.mark.network, pytest.mark.root]

PORT = 7000
DAEMON_PORT = 11500
PATIENCE = 5.0
SILENCE = 0.3


@pytest.fixture(scope="module")
def lab() -> Iterator[Laboratory]:
    with laboratory() as made:
        yield made


@pytest.fixture(scope="module")
def servers(lab: Laboratory) -> tuple[Site, Site]:
    return lab.site(PUBLIC), lab.site(PUBLIC)


def udp_socket(machine: Namespace, port: int = PORT, family: int = socket.AF_INET) -> socket.socket:
    """Gives a bound socket of a machine."""
    made = machine.call(socket.socket, family, socket.SOCK_DGRAM)
    made.settimeout(PATIENCE)
    made.bind(("::" if family == socket.AF_INET6 else "0.0.0.0", port))
    return made


def seen_sources(
    site: Site, servers: tuple[Site, Site], port: int = PORT, *, source: int = PORT
) -> list[tuple[str, int]]:
    """Sends from one socket to each server and gives what sources they see."""
    sources = []
    with closing(udp_socket(site.machine, source)) as inside:
        for server in servers:
            with closing(udp_socket(server.machine, port)) as outside:
                inside.sendto(b"hello", (server.public_address, port))
                sources.append(outside.recvfrom(100)[1])
                outside.sendto(b"welcome", sources[-1])
                assert inside.recv(100) == b"welcome"
    return sources


@pytest.mark.parametrize("kind", [HOME, DOUBLE], ids=lambda kind: kind.name)
def test_a_home_keeps_its_port_for_all_destinations(lab: Laboratory, servers: tuple[Site, Site], kind: Kind) -> None:
    site = lab.site(kind)
    assert seen_sources(site, servers) == [(site.public_address, PORT)] * 2


def test_a_symmetric_site_has_another_port_for_each_destination(lab: Laboratory, servers: tuple[Site, Site]) -> None:
    site = lab.site(SYMMETRIC)
    sources = seen_sources(site, servers) + seen_sources(site, servers, PORT + 1)
    assert {address for address, _ in sources} == {site.public_address}
    assert len({port for _, port in sources}) == len(sources)
    assert seen_sources(site, servers) == sources[:2]


@pytest.mark.parametrize("kind", [HOME, SYMMETRIC, FIREWALL], ids=lambda kind: kind.name)
def test_nobody_comes_in_who_was_not_asked(lab: Laboratory, servers: tuple[Site, Site], kind: Kind) -> None:
    site = lab.site(kind)
    address, port = seen_sources(site, servers)[0]
    with closing(udp_socket(site.machine)) as inside, closing(udp_socket(servers[0].machine, PORT + 1)) as stranger:
        inside.settimeout(SILENCE)
        stranger.sendto(b"let me in", (address, port))
        with pytest.raises(TimeoutError):
            inside.recv(100)


def test_two_homes_get_through_when_both_begin(lab: Laboratory, servers: tuple[Site, Site]) -> None:
    sites = lab.site(HOME), lab.site(DOUBLE)
    addresses = [seen_sources(site, servers)[0] for site in sites]
    with closing(udp_socket(sites[0].machine)) as one, closing(udp_socket(sites[1].machine)) as other:
        one.sendto(b"too early", addresses[1])
        other.sendto(b"second", addresses[0])
        assert one.recv(100) == b"second"


def test_a_moved_home_has_new_mappings(lab: Laboratory, servers: tuple[Site, Site]) -> None:
    site = lab.site(HOME)
    before = seen_sources(site, servers)
    site.move()
    assert {address for address, _ in before}.isdisjoint(address for address, _ in seen_sources(site, servers))


def test_a_rebound_home_has_other_ports_and_one_for_all_destinations(
    lab: Laboratory, servers: tuple[Site, Site]
) -> None:
    site = lab.site(HOME)
    before = seen_sources(site, servers, source=DAEMON_PORT)
    site.rebind()
    after = seen_sources(site, servers, source=DAEMON_PORT)
    assert before == [(site.public_address, DAEMON_PORT)] * 2
    assert after[0] == after[1] != before[0]


def test_udp_is_blocked_and_let_through_again(lab: Laboratory, servers: tuple[Site, Site]) -> None:
    site = lab.site(HOME)
    seen_sources(site, servers)
    lab.block_udp(site)
    with closing(udp_socket(site.machine)) as inside, closing(udp_socket(servers[0].machine)) as outside:
        outside.settimeout(SILENCE)
        inside.sendto(b"hello", (servers[0].public_address, PORT))
        with pytest.raises(TimeoutError):
            outside.recv(100)
    lab.unblock_udp(site)
    seen_sources(site, servers)


def test_tcp_passes_where_udp_does_not(lab: Laboratory, servers: tuple[Site, Site]) -> None:
    machine, server = lab.site(NO_UDP).machine, servers[0]
    with closing(server.machine.call(socket.create_server, ("", PORT))):
        machine.call(socket.create_connection, (server.public_address, PORT), PATIENCE).close()
    with closing(udp_socket(machine)) as inside, closing(udp_socket(server.machine)) as outside:
        outside.settimeout(SILENCE)
        inside.sendto(b"hello", (server.public_address, PORT))
        with pytest.raises(TimeoutError):
            outside.recv(100)


def test_a_site_without_ipv4_reaches_those_with_ipv6(lab: Laboratory, servers: tuple[Site, Site]) -> None:
    machine, server = lab.site(SIX).machine, servers[0]
    machine.run("ping", "-n", "-c", "1", "-W", "2", f"2001:db8:{server.number}::2")
    with pytest.raises(subprocess.CalledProcessError):
        machine.run("ping", "-n", "-c", "1", "-W", "1", server.public_address)


@pytest.mark.parametrize("kind", [NARROW, TIGHT], ids=lambda kind: kind.name)
def test_a_narrow_site_swallows_long_packets_silently(lab: Laboratory, servers: tuple[Site, Site], kind: Kind) -> None:
    site, mtu = lab.site(kind), int(kind.wire["mtu"])
    ping = ("ping", "-n", "-c", "1", "-M", "do", "-s")
    site.machine.run(*ping, str(mtu - 28), "-W", "2", servers[0].public_address)
    with pytest.raises(subprocess.CalledProcessError) as failed:
        site.machine.run(*ping, str(mtu + 1 - 28), "-W", "1", servers[0].public_address)
    assert "Frag needed" not in failed.value.stdout
    assert site.wire is not None
    assert site.wire.counters()[1]["too_long"] == 1


def test_tcp_hears_of_a_narrow_line(lab: Laboratory, servers: tuple[Site, Site]) -> None:
    site = lab.site(TIGHT)
    with echo(servers[0].machine):
        check_stream(site.machine, servers[0].public_address)
    assert site.wire is not None
    assert [count["too_long"] for count in site.wire.counters()] == [0, 0]


def test_a_slow_site_has_a_short_queue(lab: Laboratory, servers: tuple[Site, Site]) -> None:
    site, size, count = lab.site(SLOW), 1000, 400
    with closing(udp_socket(site.machine)) as inside, closing(udp_socket(servers[0].machine)) as outside:
        outside.settimeout(SILENCE)
        began = time.monotonic()
        for _ in range(count):
            inside.sendto(bytes(size), (servers[0].public_address, PORT))
        sending = time.monotonic() - began
        arrived = 0
        with contextlib.suppress(TimeoutError):
            while outside.recv(2000):
                arrived += 1
    assert site.wire is not None
    assert site.wire.counters()[1]["queue_full"] == count - arrived > 0
    # What got in is what the line took meanwhile, and a full queue.
    frame, line = size + 42, site.kind.wire["rate"] * 1e6 / 8
    assert site.kind.wire["queue"] - frame <= arrived * frame <= site.kind.wire["queue"] + line * (sending + 0.1)


def test_a_rough_site_delays_and_loses(lab: Laboratory, servers: tuple[Site, Site]) -> None:
    site = lab.site(ROUGH, loss=0.2)
    output = site.machine.run("ping", "-n", "-c", "100", "-i", "0.002", "-W", "1", servers[0].public_address)
    times = [float(text) for text in re.findall(r"time=([0-9.]+) ms", output)]
    assert 0 < len(times) < 100
    assert min(times) >= 40
    assert site.wire is not None
    assert site.wire.counters()[0]["lost"] + site.wire.counters()[1]["lost"] > 0


def test_a_wire_changes_while_it_carries(lab: Laboratory, servers: tuple[Site, Site]) -> None:
    site = lab.site(PUBLIC, delay=1)
    ping = ("ping", "-n", "-c", "1", "-W", "1", servers[0].public_address)
    assert site.wire is not None
    site.machine.run(*ping)
    site.wire.impair(loss=1)
    with pytest.raises(subprocess.CalledProcessError):
        site.machine.run(*ping)
    site.wire.impair(loss=0)
    site.machine.run(*ping)
    with pytest.raises(ValueError, match="no setting"):
        site.wire.impair(luck=1)


def test_machines_of_one_site_share_a_switch(lab: Laboratory) -> None:
    site = lab.site(HOME, machines=2)
    site.machines[0].run("ping", "-n", "-c", "1", "-W", "2", "192.168.1.3")
