"""`golem-vpn demo`: the whole way, on a throw-away set of one requestor and two providers."""
