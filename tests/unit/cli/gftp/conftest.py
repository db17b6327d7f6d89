"""The fixtures of an API without sockets."""

from tests.unit.api.conftest import *  # noqa: F403 - whatever the API's own tests have
