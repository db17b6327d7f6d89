"""Answers that are a string."""

from typing import Any

from litestar import Response
from litestar.serialization import encode_json


class JsonString(Response[str]):
    """A string as JSON, in quotes; the framework would take it for JSON that is ready."""

    def render(self, content: Any, media_type: str, enc_hook: Any = None) -> bytes:
        """Writes the answer."""
        return encode_json(content) if isinstance(content, str) else super().render(content, media_type, enc_hook)
