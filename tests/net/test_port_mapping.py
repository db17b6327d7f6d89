"""A home router that speaks NAT-PMP, PCP or UPnP is asked for a port, and given it back."""

import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from ipaddress import IPv4Address
from pathlib import Path
from time import sleep

import pytest

from tests.lab import rules
from tests.lab.laboratory import INSIDE, Laboratory, Site, laboratory
from tests.lab.rules import WIDE
from tests.lab.sites import HOME, Kind

pytestmark = [pytest.mark.network, pytest.mark.root]

ROUTER_PORT = 5351
OUTSIDE_PORT = 40_404
PATIENCE = 30.0
UDP = 17

PROGRAM = """
import asyncio, sys
from golem_vpn._native import DataPlane, Endpoint

async def main():
    endpoint = await Endpoint.bind(b"a" * 32, "0.0.0.0:0")
    plane = DataPlane.start(b"n" * 20, "0.0.0.0:7000", endpoint)
    assert plane.mapped == []
    plane.set_port_mapping(True)
    while not plane.mapped:
        await asyncio.sleep(0.05)
    print(*plane.mapped, flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        print((await plane.snapshot())["drops"]["malformed_datagram"], flush=True)
    plane.set_port_mapping(False)
    assert plane.mapped == []
    await asyncio.sleep(2)
    await endpoint.close()

asyncio.run(main())
"""


def nat_pmp(request: bytes, outside: IPv4Address) -> tuple[bytes, int | None]:
    """Answers as RFC 6886 says; gives also the lifetime that a mapping was asked for."""
    if request == b"\0\0":
        return struct.pack("!BBHI", 0, 128, 0, 1) + outside.packed, None
    version, operation, _, inner, _, lifetime = struct.unpack("!BBHHHI", request)
    assert (version, operation) == (0, 1)
    return struct.pack("!BBHIHHI", 0, 129, 0, 1, inner, OUTSIDE_PORT, lifetime), lifetime


def pcp(request: bytes, outside: IPv4Address) -> tuple[bytes, int | None]:
    """Answers as RFC 6887 says: to announcements and to requests for a mapping."""
    _version, operation, _, lifetime = struct.unpack("!BBHI", request[:8])
    head = struct.pack("!BBBBII12x", 2, 0x80 | operation, 0, 0, lifetime, 1)
    if operation == 0:
        return head, None
    nonce, protocol, inner = struct.unpack("!12sB3xH", request[24:42])
    assert (operation, protocol) == (1, UDP)
    mapped = b"\0" * 10 + b"\xff\xff" + outside.packed
    return head + struct.pack("!12sB3xHH", nonce, protocol, inner, OUTSIDE_PORT) + mapped, lifetime


SPOKEN = {"nat-pmp": (0, nat_pmp), "pcp": (2, pcp)}


UPNP_HOME = Kind("UPnP home", (rules.UPNP,))
UPNP_OUTSIDE = "11.22.33.44"
"""What the server of UPnP is told to be the router's address outside: it refuses those that no provider gives out."""
UPNP_SETTINGS = """
http_port=0
enable_natpmp=no
secure_mode=yes
uuid=00000000-0000-4000-8000-000000000001
upnp_forward_chain=forwarded
upnp_nat_chain=mapped_in
upnp_nat_postrouting_chain=mapped_out
"""


@pytest.fixture(scope="module")
def lab() -> Iterator[Laboratory]:
    with laboratory() as made:
        yield made


@pytest.fixture(scope="module")
def home(lab: Laboratory) -> Site:
    return lab.site(HOME)


def serve(server: socket.socket, protocol: str, outside: IPv4Address) -> list[int]:
    """Answers one protocol until a mapping is given back; gives the lifetimes asked for."""
    version, answer = SPOKEN[protocol]
    lifetimes: list[int] = []
    while 0 not in lifetimes:
        request, client = server.recvfrom(2048)
        if request[0] == version:
            reply, lifetime = answer(request, outside)
            server.sendto(reply, client)
            lifetimes.extend([] if lifetime is None else [lifetime])
    return lifetimes


@pytest.mark.parametrize("protocol", SPOKEN)
def test_a_port_of_the_router_leads_to_the_socket_for_packets(home: Site, protocol: str) -> None:
    outside = IPv4Address(home.public_address)
    with closing(home.routers[0].call(socket.socket, socket.AF_INET, socket.SOCK_DGRAM)) as server:
        server.bind(("192.168.1.1", ROUTER_PORT))
        server.settimeout(PATIENCE)
        with ThreadPoolExecutor(1) as router:
            lifetimes = router.submit(serve, server, protocol, outside)
            command = home.machine.command([sys.executable, "-c", PROGRAM])
            asked = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=False
            )
            assert asked.returncode == 0, asked.stderr
            assert asked.stdout.strip() == f"{outside}:{OUTSIDE_PORT}"
            given, *_, returned = lifetimes.result(PATIENCE)
            assert given > 0
            assert returned == 0


@contextmanager
def upnp_server(site: Site, folder: Path) -> Iterator[None]:
    """Runs miniupnpd in the router of a site."""
    settings = folder / "miniupnpd.conf"
    settings.write_text(UPNP_SETTINGS)
    router = site.routers[0]
    command = ["miniupnpd", "-d", "-f", str(settings), "-P", str(folder / "pid"), "-i", WIDE, "-a", INSIDE]
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(router.command([*command, "-o", UPNP_OUTSIDE]), stdout=log, stderr=log)
    try:
        yield
    except BaseException as error:
        error.add_note((folder / "log").read_text())
        raise
    finally:
        process.terminate()
        process.wait(PATIENCE)


def reached(lab: Laboratory, site: Site, port: int, asked: subprocess.Popen[str]) -> bool:
    """Tells whether what is sent to a port of the router from the internet reaches the program."""
    assert asked.stdin is not None
    assert asked.stdout is not None
    with lab.internet.call(socket.socket, socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(100):
            sender.sendto(b"not one of ours", (site.public_address, port))
            asked.stdin.write("\n")
            asked.stdin.flush()
            if int(asked.stdout.readline()):
                return True
            sleep(0.05)
    return False


def test_a_router_that_speaks_upnp_alone_maps_a_port(lab: Laboratory, tmp_path: Path) -> None:
    site = lab.site(UPNP_HOME)
    with upnp_server(site, tmp_path):
        command = site.machine.command([sys.executable, "-c", PROGRAM])
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as asked:
            assert asked.stdout is not None
            address, _, port = asked.stdout.readline().strip().partition(":")
            assert address == UPNP_OUTSIDE
            assert reached(lab, site, int(port), asked)
            mapped = site.routers[0].run("nft", "list", "chain", "inet", "filter", "mapped_in")
            assert f"dport {port} dnat ip to 192.168.1.2:7000" in mapped
            assert mapped.count("dnat") == 1
        assert asked.returncode == 0
        assert "dnat" not in site.routers[0].run("nft", "list", "chain", "inet", "filter", "mapped_in")
