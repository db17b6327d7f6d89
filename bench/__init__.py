"""Measures golem-vpn beside other carriers of packets on this machine; see README.md."""
