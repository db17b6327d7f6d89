"""Activities, seen from the requestor's side."""
