"""Golem's published SDKs, unchanged, with programs of ours, against real daemons."""
