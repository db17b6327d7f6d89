"""Where TUN devices are made."""

import os
from pathlib import Path


def tun_device_node() -> Path:
    """Gives the host's TUN device node, `/dev/net/tun` unless `GOLEM_VPN_TUN_DEVICE` names another one."""
    return Path(os.environ.get("GOLEM_VPN_TUN_DEVICE") or "/dev/net/tun")
