"""The command `golem-vpn`: a client of the daemon's API, and the starter of daemons."""
