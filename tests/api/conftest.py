"""What the tests of the API's description share: real daemons, and a TUN device node for their payloads."""

from tests.net.conftest import client, local_set, tun_device_node, use_tun_device_node

__all__ = ["client", "local_set", "tun_device_node", "use_tun_device_node"]
