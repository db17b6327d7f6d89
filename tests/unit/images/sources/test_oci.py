import hashlib
import io
import json
import platform
import tarfile
from pathlib import Path
from typing import Any

import pytest

from golem_vpn.errors import InvalidInput
from golem_vpn.images.gvmi import ImageConfig
from golem_vpn.images.sources.oci import is_oci, read_oci

MACHINE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


def put(layout: Path, content: bytes) -> dict[str, Any]:
    digest = hashlib.sha256(content).hexdigest()
    (layout / "blobs/sha256").mkdir(parents=True, exist_ok=True)
    (layout / "blobs/sha256" / digest).write_bytes(content)
    return {"digest": f"sha256:{digest}", "size": len(content)}


def layer(*names: str) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as members:
        for name in names:
            members.addfile(tarfile.TarInfo(name), io.BytesIO())
    return file.getvalue()


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    """An image for this machine behind an index, with another machine's beside it."""
    root = tmp_path / "layout"
    root.mkdir()
    config = put(root, json.dumps({"config": {"Env": ["A=b"], "WorkingDir": "/srv", "Labels": None}}).encode())
    layers = [put(root, layer("etc/old", "bin/sh")), put(root, layer("etc/.wh.old", "etc/new"))]
    manifest = put(root, json.dumps({"schemaVersion": 2, "config": config, "layers": layers}).encode())
    other = {**put(root, b"{}"), "platform": {"os": "linux", "architecture": "other"}}
    own = {**manifest, "platform": {"os": "linux", "architecture": MACHINE}}
    index = put(root, json.dumps({"manifests": [other, own]}).encode())
    index["mediaType"] = "application/vnd.oci.image.index.v1+json"
    (root / "index.json").write_text(json.dumps({"manifests": [index]}))
    (root / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    return root


@pytest.mark.parametrize("kind", ["directory", "archive"])
def test_the_image_of_this_machine_is_read(kind: str, layout: Path, tmp_path: Path) -> None:
    source = layout
    if kind == "archive":
        source = tmp_path / "layout.tar"
        with tarfile.open(source, "w") as members:
            members.add(layout, ".")
    assert is_oci(source)
    with read_oci(source, tmp_path) as (tree, config):
        assert [path.decode() for path, _ in tree.walk()] == ["", "bin", "bin/sh", "etc", "etc/new"]
        assert config == ImageConfig(env=("A=b",), working_dir="/srv")


def test_what_is_none(tmp_path: Path) -> None:
    assert not is_oci(tmp_path)
    (tmp_path / "file").write_text("no archive")
    assert not is_oci(tmp_path / "file")


def test_a_blob_that_is_not_what_its_name_says_is_refused(layout: Path, tmp_path: Path) -> None:
    for blob in (layout / "blobs/sha256").iterdir():
        blob.write_bytes(blob.read_bytes() + b" ")
    with pytest.raises(InvalidInput, match="digest"), read_oci(layout, tmp_path):
        pass


@pytest.mark.parametrize("index", ["{}", "no json", '{"manifests": []}', '{"manifests": [{"digest": "sha256:../x"}]}'])
def test_a_damaged_index_is_refused(index: str, layout: Path, tmp_path: Path) -> None:
    (layout / "index.json").write_text(index)
    with pytest.raises(InvalidInput), read_oci(layout, tmp_path):
        pass
