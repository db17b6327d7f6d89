from tests.unit.api.kit import (
    app,
    app_keys,
    client,
    database,
    identities,
    key_file,
    networks,
    node,
    provider,
    services,
    stranger,
    world,
)

__all__ = [
    "app",
    "app_keys",
    "client",
    "database",
    "identities",
    "key_file",
    "networks",
    "node",
    "provider",
    "services",
    "stranger",
    "world",
]
