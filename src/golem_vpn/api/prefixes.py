"""Where each API is mounted."""

NET = ("/net-api/v1", "/net-api/v2/vpn")
"""The Net API is the same below both: SDKs know it by either."""
MARKET = "/market-api/v1"
ACTIVITY = "/activity-api/v1"
PAYMENT = "/payment-api/v1"
GSB = "/gsb-api/v1"
DAEMON = "/golem-vpn/v1"
