"""Golem Net over networks as they are outside: lossy wires, NATs, addresses that change."""
