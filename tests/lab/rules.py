"""What the routers of the laboratory do to packets, as rulesets of nftables."""

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


def masquerade(flags: str = "") -> str:
    """Gives a NAT: it keeps ports, and uses the same for all destinations, unless flags say otherwise."""
    return f"""
table ip nat {{
    chain postrouting {{
        type nat hook postrouting priority srcnat;
        oifname "{WIDE}" masquerade {flags}
    }}
}}
"""


HOME = masquerade() + STATEFUL
SYMMETRIC = masquerade("random,fully-random") + STATEFUL
"""Each destination gets a port of its own, by chance."""
