"""What the daemon remembers: the only part that knows the database."""
