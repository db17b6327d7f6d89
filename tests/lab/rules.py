"""What the routers of the laboratory do to packets, as rulesets of nftables."""

from collections.abc import Mapping
from types import MappingProxyType

WIDE = "wan0"
"""The interface towards the internet."""

STATEFUL = f"""
table inet filter {{
    chain forward {{
        type filter hook forward priority filter; policy accept;
        iifname "{WIDE}" ct state != {{ established, related }} drop
    }}
    # A packet from outside that found a closed port here would leave a connection behind that is in the way of the
    # mapping for the way out; routers that people have drop it.
    chain input {{
        type filter hook input priority filter; policy accept;
        iifname "{WIDE}" ct state != {{ established, related }} meta l4proto {{ tcp, udp }} drop
    }}
}}
"""
"""Only what was asked for from inside comes in: the same address and port must answer."""

NO_UDP = """
table inet blocked {
    chain forward {
        type filter hook forward priority filter - 1; policy accept;
        meta l4proto udp drop
    }
}
"""


TCP_AND_IP_HEADER = 40


def masquerade(flags: str = "", ports: Mapping[int, int] = MappingProxyType({})) -> str:
    """Gives a NAT: it keeps ports, and uses the same for all destinations, unless flags say otherwise.

    Args:
        flags: Of the statement `masquerade`.
        ports: The outer ones of some inner ports of UDP, which are then not kept.
    """
    moved = "\n".join(
        f'        oifname "{WIDE}" udp sport {inner} masquerade to :{outer}' for inner, outer in ports.items()
    )
    return f"""
table ip nat {{
    chain postrouting {{
        type nat hook postrouting priority srcnat;
{moved}
        oifname "{WIDE}" masquerade {flags}
    }}
}}
"""


def rebound(ports: Mapping[int, int]) -> str:
    """Gives what replaces a home's NAT by one with other ports."""
    return "delete table ip nat\n" + masquerade(ports=ports)


def clamp(interface: str, mtu: int) -> str:
    """Gives what the providers of narrow lines do: TCP learns of the limit from the handshake, UDP from nobody."""
    segment = mtu - TCP_AND_IP_HEADER
    return f"""
table inet clamp-{interface} {{
    chain forward {{
        type filter hook forward priority mangle; policy accept;
        iifname "{interface}" tcp flags syn tcp option maxseg size set {segment}
        oifname "{interface}" tcp flags syn tcp option maxseg size set {segment}
    }}
}}
"""


def silence(interface: str) -> str:
    """Gives what lets no UDP through an interface, until `end_silence`."""
    return f"""
table inet silent-{interface} {{
    chain forward {{
        type filter hook forward priority filter; policy accept;
        iifname "{interface}" meta l4proto udp drop
        oifname "{interface}" meta l4proto udp drop
    }}
}}
"""


def end_silence(interface: str) -> str:
    """Gives what takes `silence` back."""
    return f"delete table inet silent-{interface}\n"


HOME = masquerade() + STATEFUL
UPNP = (
    HOME
    + """
table inet filter {
    chain forwarded {}
    chain mapped {
        type nat hook prerouting priority dstnat;
        jump mapped_in
    }
    chain mapped_in {}
    chain mapped_out {}
}
insert rule inet filter forward ct status dnat accept
"""
)
"""A home whose router lets programs map ports; the chains are for its server of UPnP."""
SYMMETRIC = masquerade("random,fully-random") + STATEFUL
"""Each destination gets a port of its own, by chance."""
