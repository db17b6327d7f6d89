"""The carriers that are compared, each a context manager that connects the two hosts of a wire."""
