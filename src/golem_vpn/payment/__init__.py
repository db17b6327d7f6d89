"""What providers ask to be paid, what requestors agree to, and how it is settled."""
