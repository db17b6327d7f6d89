"""golem-vpn beside other VPNs in user space, on two wires between two hosts on this machine."""
