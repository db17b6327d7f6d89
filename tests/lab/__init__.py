"""A laboratory of network namespaces: an internet, and sites of many kinds behind it in which daemons run."""
