"""The gate, with whichever TCP/IP stack."""
