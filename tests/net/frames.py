"""Ethernet frames as an application of the raw gate makes them."""

import socket
import struct

MAC = bytes.fromhex("020000000009")
"""The application's own."""
BROADCAST = b"\xff" * 6
IPV4, ARP, IPV6 = 0x0800, 0x0806, 0x86DD
DONT_FRAGMENT = 0x4000
ICMP, ICMP_V6 = 1, 58
ECHO_REQUEST, ECHO_REPLY = 8, 0
ECHO_REQUEST_V6, ECHO_REPLY_V6 = 128, 129


def mac_of(ip: str) -> bytes:
    """Gives the MAC address by which the gate knows an IP address."""
    return b"\xa0\x13" + _packed(ip)[-4:]


def echo_request(source: str, destination: str, sequence: int, data: bytes = b"hello") -> bytes:
    """Makes a frame with an echo request that no router may cut."""
    is_v6 = ":" in source
    message = _echo(ECHO_REQUEST_V6 if is_v6 else ECHO_REQUEST, sequence, data)
    if not is_v6:
        message = _with_checksum(message, 2, message)
        header = struct.pack("!BxHHHBBxx", 0x45, 20 + len(message), sequence, DONT_FRAGMENT, 64, ICMP)
        header += _packed(source) + _packed(destination)
        return frame(destination, IPV4, _with_checksum(header, 10, header) + message)
    addresses = _packed(source) + _packed(destination)
    message = _with_checksum(message, 2, addresses + struct.pack("!IxxxB", len(message), ICMP_V6) + message)
    return frame(destination, IPV6, struct.pack("!IHBB", 6 << 28, len(message), ICMP_V6, 64) + addresses + message)


def arp_request(source: str, target: str) -> bytes:
    """Makes a frame that asks who has an address."""
    question = struct.pack("!HHBBH", 1, IPV4, 6, 4, 1) + MAC + _packed(source) + bytes(6) + _packed(target)
    return BROADCAST + MAC + struct.pack("!H", ARP) + question


def frame(destination: str, kind: int, packet: bytes) -> bytes:
    """Puts a packet into a frame."""
    return mac_of(destination) + MAC + struct.pack("!H", kind) + packet


def echo_reply(frame: bytes) -> tuple[int, bytes]:
    """Reads the sequence number and the data of the echo reply in a frame."""
    [kind] = struct.unpack_from("!H", frame, 12)
    assert frame[:6] == MAC
    assert kind in (IPV4, IPV6)
    message = frame[14 + (20 if kind == IPV4 else 40) :]
    assert message[0] == (ECHO_REPLY if kind == IPV4 else ECHO_REPLY_V6)
    return struct.unpack_from("!H", message, 6)[0], message[8:]


def _echo(kind: int, sequence: int, data: bytes) -> bytes:
    return struct.pack("!BBHHH", kind, 0, 0, 1, sequence) + data


def _packed(ip: str) -> bytes:
    return socket.inet_pton(socket.AF_INET6 if ":" in ip else socket.AF_INET, ip)


def _with_checksum(message: bytes, at: int, summed: bytes) -> bytes:
    total = sum(struct.unpack(f"!{(len(summed) + 1) // 2}H", summed + bytes(len(summed) % 2)))
    total = (total & 0xFFFF) + (total >> 16)
    checksum = ~(total + (total >> 16)) & 0xFFFF
    return message[:at] + struct.pack("!H", checksum) + message[at + 2 :]
