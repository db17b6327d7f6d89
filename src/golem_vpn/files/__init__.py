"""Files between nodes: published, fetched and taken in over Golem Net."""
