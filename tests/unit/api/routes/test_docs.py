import re

import httpx
import pytest

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("path", "media_type"),
    [("/docs", "text/html"), ("/docs/reference.js", "text/javascript"), ("/docs/reference.css", "text/css")],
)
async def test_the_page_comes_from_here_alone(stranger: httpx.AsyncClient, path: str, media_type: str) -> None:
    response = await stranger.get(path)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith(media_type)
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert re.search(r"https?://", response.text) is None
