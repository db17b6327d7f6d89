"""The tables, one module for each part of the daemon; a new module is named here, so that the schema is complete."""

from golem_vpn.store.tables import agreements, app_keys, files, images, market, net, networks, payment, provider
from golem_vpn.store.tables.base import Base

__all__ = ["Base", "agreements", "app_keys", "files", "images", "market", "net", "networks", "payment", "provider"]
