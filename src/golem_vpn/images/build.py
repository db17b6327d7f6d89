"""Making an image: from what it is made of to a file that every provider takes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from golem_vpn.errors import InvalidInput
from golem_vpn.images import gvmi
from golem_vpn.images.gvmi import ImageConfig
from golem_vpn.images.sources.archive import read_archive
from golem_vpn.images.sources.directory import add_directory, node_of, read_directory
from golem_vpn.images.sources.oci import is_oci, read_oci
from golem_vpn.images.sources.programs import SEARCH_PATH, read_programs
from golem_vpn.images.squashfs import writer
from golem_vpn.images.tree import Directory, Tree


class Addition(msgspec.Struct, frozen=True):
    """A file or a directory of this machine that comes to a place in the image."""

    source: Path
    target: str

    @classmethod
    def parse(cls, text: str) -> "Addition":
        """Reads `SOURCE` or `SOURCE:TARGET`.

        Raises:
            InvalidInput: the target is no absolute path.
        """
        source, _, target = text.partition(":")
        path = Path(source).absolute()
        if target and not target.startswith("/"):
            raise InvalidInput(f"{text!r}: {target!r} is not an absolute path in the image")
        return cls(path, target or str(path))


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What an image is made of: a source, or programs of this machine."""

    source: Path | None = None
    """A directory, a tar archive, or an OCI image layout."""
    programs: tuple[str, ...] = ()
    bare: bool = False
    """Whether programs come without a shell and the usual small ones."""
    additions: tuple[Addition, ...] = ()
    env: tuple[str, ...] = ()


def build(plan: Plan, target: Path) -> None:
    """Makes an image; blocks.

    Raises:
        InvalidInput: the plan can't be followed; the message says what is in the way.
    """
    if (plan.source is None) == (not plan.programs):
        raise InvalidInput("an image is made either of a directory or archive, or of programs (--with)")
    with TemporaryDirectory(dir=target.parent, prefix=".image-") as scratch, _begun(plan, Path(scratch)) as begun:
        tree, config = begun
        for addition in plan.additions:
            _add(tree, addition)
        unfinished = Path(scratch, "image")
        writer.write(tree, unfinished)
        gvmi.append(unfinished, msgspec.structs.replace(config, env=(*(config.env or ()), *plan.env) or None))
        unfinished.rename(target)


@contextmanager
def _begun(plan: Plan, scratch: Path) -> Iterator[tuple[Tree, ImageConfig]]:
    if plan.source is None:
        yield read_programs(plan.programs, base=not plan.bare), ImageConfig(env=(f"PATH={SEARCH_PATH}",))
    elif not plan.source.exists():
        raise InvalidInput(f"{plan.source}: no such file or directory")
    elif is_oci(plan.source):
        with read_oci(plan.source, scratch) as image:
            yield image
    elif plan.source.is_dir():
        yield read_directory(plan.source), ImageConfig()
    else:
        with read_archive(plan.source, scratch) as tree:
            yield tree, ImageConfig()


def _add(tree: Tree, addition: Addition) -> None:
    node = node_of(addition.source)
    if node is None:
        raise InvalidInput(f"{addition.source} is a device, a pipe or a socket")
    target = addition.target.encode()
    tree.put(target, node)
    if isinstance(node, Directory):
        add_directory(tree, addition.source, target)
