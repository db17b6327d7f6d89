"""Golem Net: who the nodes are, how they talk, and what networks they share."""
