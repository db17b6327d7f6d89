"""HTTP and websockets: parses, authenticates, asks a service, answers."""
