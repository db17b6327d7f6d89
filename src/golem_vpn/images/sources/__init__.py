"""What an image can be made of; each gives a `Tree`."""
