"""Private, encrypted IP networks between the payloads of Golem applications."""
