"""Squashfs 4.0, the format of Golem's images: reading it without the kernel, and writing it."""
