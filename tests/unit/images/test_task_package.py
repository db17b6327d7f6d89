from pathlib import Path

import pytest

from golem_vpn.errors import InvalidInput
from golem_vpn.images.task_package import ImagePackage, LocalPackage, compose, parse

DIGEST = "16ad039c00f60a48c76d0644c96ccba63b13296d140477c736512127"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:7465/v1/image/download/x",
        "https://registry.example/v1/image/download/x?y=z",
        "http://[::1]:7465/x",
        "gftp://0x79bcfdc92af492c9b15ce9f690c3ccae53437179/0a1b",
        "file:///images/x.gvmi",
    ],
)
def test_an_image(url: str) -> None:
    assert parse(f"hash:sha3:{DIGEST}:{url}") == ImagePackage(DIGEST, url)
    assert parse(compose(DIGEST.upper(), url)) == ImagePackage(DIGEST, url)


@pytest.mark.parametrize("text", ["file:/srv/root", "file:///srv/root"])
def test_something_of_the_providers(text: str) -> None:
    assert parse(text) == LocalPackage(Path("/srv/root"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        None,
        7,
        "http://example.com/image",
        "file:relative",
        "file:/with\0nul",
        "hash:sha3:" + DIGEST,
        f"hash:sha3:{DIGEST[:-1]}:http://example.com/x",
        f"hash:md5:{DIGEST}:http://example.com/x",
        f"hash:sha3:{DIGEST}:ftp://example.com/x",
        f"hash:sha3:{DIGEST}:http:",
        f"hash:sha3:{DIGEST}:http://[",
        "hash:" + "x" * 5000,
    ],
)
def test_anything_else_is_refused(text: object) -> None:
    with pytest.raises(InvalidInput, match=r"golem\.srv\.comp\.task_package"):
        parse(text)
