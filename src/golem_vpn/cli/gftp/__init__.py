"""The `gftp` program: files between this machine and other nodes, by the daemon."""
