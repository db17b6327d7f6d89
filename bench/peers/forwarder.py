"""A program that carries the IP packets of a TUN interface in one TCP connection, as no tunnel should.

`forwarder.py INTERFACE CIDR listen|connect HOST PORT CONGESTION-CONTROL`; prints `ready` when packets flow.
"""

import fcntl
import os
import socket
import struct
import subprocess
import sys
import threading

MTU = 1420
TUNSETIFF = 0x400454CA
IFF_TUN = 0x0001
IFF_NO_PI = 0x1000
LENGTH = struct.Struct("!H")
PATIENCE = 10.0


def main() -> None:
    """Forwards until the connection ends."""
    interface, cidr, role, host, port, control = sys.argv[1:]
    tun = _open_tun(interface, cidr)
    connection = _connection(role, (host, int(port)))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, control.encode())
    print("ready", flush=True)
    threading.Thread(target=_send_packets, args=(tun, connection), daemon=True).start()
    _receive_packets(tun, connection)


def _open_tun(interface: str, cidr: str) -> int:
    tun = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH14x", interface.encode(), IFF_TUN | IFF_NO_PI))
    subprocess.run(["ip", "address", "add", cidr, "dev", interface], check=True)
    subprocess.run(["ip", "link", "set", interface, "mtu", str(MTU), "up"], check=True)
    return tun


def _connection(role: str, address: tuple[str, int]) -> socket.socket:
    if role == "connect":
        connection = socket.create_connection(address, PATIENCE)
    else:
        with socket.create_server(address) as server:
            server.settimeout(PATIENCE)
            connection, _ = server.accept()
    connection.settimeout(None)
    return connection


def _send_packets(tun: int, connection: socket.socket) -> None:
    while packet := os.read(tun, 65_536):
        connection.sendall(LENGTH.pack(len(packet)) + packet)


def _receive_packets(tun: int, connection: socket.socket) -> None:
    with connection.makefile("rb", 1 << 18) as stream:
        while len(head := stream.read(LENGTH.size)) == LENGTH.size:
            os.write(tun, stream.read(LENGTH.unpack(head)[0]))


if __name__ == "__main__":
    main()
