"""Images that mksquashfs made, one of each compression: a text, a script of two blocks' content, and links to it."""

from pathlib import Path

import pytest

from golem_vpn.errors import InvalidInput
from golem_vpn.images.squashfs import reader
from golem_vpn.images.squashfs.compression import Compression, decompressor
from golem_vpn.images.tree import File, Symlink

SAMPLES = Path(__file__).parent / "samples"
RUN = b"x" * 9000 + b"".join(b"%d\n" % number for number in range(1, 701))


@pytest.mark.parametrize("compression", ["gzip", "xz", "lzo", "lz4", "zstd"])
def test_every_compression_is_read(compression: str) -> None:
    with reader.opened(SAMPLES / f"{compression}.squashfs") as tree:
        run, link = tree.find(b"bin/run"), tree.find(b"bin/link")
        assert isinstance(run, File)
        assert b"".join(run.content.chunks()) == RUN
        assert tree.find(b"bin/hard") is run
        assert isinstance(link, Symlink)
        assert link.target == b"run"
        release = tree.find(b"etc/release")
        assert isinstance(release, File)
        assert b"".join(release.content.chunks()) == b"release\n"


@pytest.mark.parametrize("number", [0, Compression.LZMA, 7, 65535])
def test_others_are_refused(number: int) -> None:
    with pytest.raises(InvalidInput, match="not supported"):
        decompressor(number)


@pytest.mark.parametrize("compression", sorted(set(Compression) - {Compression.LZMA}))
@pytest.mark.parametrize("block", [b"", bytes(100), b"\xff" * 100])
def test_garbage_is_refused(compression: Compression, block: bytes) -> None:
    with pytest.raises(InvalidInput, match=r"damaged|cut off"):
        decompressor(compression)(block, 1000)
