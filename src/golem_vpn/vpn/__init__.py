"""Networks, addresses, members: the rules."""
