"""Root file systems of payloads: packing and unpacking them, and keeping them by digest."""
