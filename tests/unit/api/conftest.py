from tests.unit.api.kit import app, app_keys, client, database, identities, key_file, networks, services, stranger

__all__ = ["app", "app_keys", "client", "database", "identities", "key_file", "networks", "services", "stranger"]
