"""Agreements, seen from the requestor's side. For now there is one way to get one: direct hire."""
