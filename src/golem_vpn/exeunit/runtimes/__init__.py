"""What runs payloads, behind one protocol (`base.Runtime`)."""
