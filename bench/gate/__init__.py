"""The gate: websockets into a network, over long and lossy paths."""
