"""For applications: a client of the daemon's API."""
