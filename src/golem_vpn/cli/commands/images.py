"""`golem-vpn image …`: root file systems for payloads, in the daemon's own registry."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

from cyclopts import App, Group, Parameter

from golem_vpn.cli.console import show_object, show_rows, waiting
from golem_vpn.cli.options import PLAIN, Common
from golem_vpn.cli.session import daemon_file, with_client
from golem_vpn.files.digests import digest_of
from golem_vpn.images.build import Addition, Plan
from golem_vpn.images.build import build as build_image
from golem_vpn.images.digest import DIGITS


def register(app: App, group: Group) -> None:
    """Adds the commands."""
    images = App(name="image", group=group, help="Root file systems for payloads, in the daemon's own registry.")
    app.command(images)
    images.command(build)
    images.command(import_, name="import")
    images.command(ls)
    images.command(rm)


def build(
    source: Path | None = None,
    /,
    *,
    with_: Annotated[tuple[str, ...], Parameter(name="--with", negative="", show_default=False)] = (),
    add: Annotated[tuple[str, ...], PLAIN] = (),
    env: Annotated[tuple[str, ...], PLAIN] = (),
    bare: Annotated[bool, PLAIN] = False,
    tag: str | None = None,
    output: Path | None = None,
    common: Common = Common(),
) -> None:
    """Make an image and put it into the daemon's registry, or into a file.

    Args:
        source: A directory with a root file system, a tar archive of one, or an OCI image layout (also as a tar \
archive, as `docker save` and `skopeo copy` write it).
        with_: A program of this machine to make the image of, with all it loads; repeat for several.
        add: A file or directory of this machine to add, as SOURCE or SOURCE:TARGET; repeat for several.
        env: A variable that all programs get, as NAME=VALUE; repeat for several.
        bare: Leave out the shell and the usual small programs that come along with those of `--with`.
        tag: A name for it, NAME or NAME:VERSION.
        output: Where to put the image instead of the registry.
    """
    plan = Plan(
        source=source, programs=with_, bare=bare, additions=tuple(Addition.parse(text) for text in add), env=env
    )
    if output is not None:
        with waiting("making the image"):
            build_image(plan, output)
        made = {"file": str(output), "hash": digest_of(output, DIGITS)}
        show_object(made, made, common.json)
        return
    # Who has no daemon to put it into should learn so before the work.
    daemon_file(common.data_dir)
    with TemporaryDirectory() as scratch:
        file = Path(scratch, "image.gvmi")
        with waiting("making the image"):
            build_image(plan, file)
        _import(file, tag, common)


def import_(file: Path, /, *, tag: str | None = None, common: Common = Common()) -> None:
    """Put a ready image into the daemon's registry.

    Args:
        file: A squashfs image, such as a `.gvmi` of Golem's own tools, or a tar archive of a root file system.
        tag: A name for it, NAME or NAME:VERSION.
    """
    _import(file, tag, common)


def ls(*, common: Common = Common()) -> None:
    """List the images of the registry."""
    images = with_client(common.data_dir, lambda client: client.images())
    show_rows({"tags": "tags", "hash": "hash", "size": "size", "created": "created"}, images, common.json)


def rm(reference: str, /, *, common: Common = Common()) -> None:
    """Remove an image by its hash, or a tag; with the last tag goes the image.

    Args:
        reference: The hash or the tag.
    """
    image = with_client(common.data_dir, lambda client: client.remove_image(reference))
    show_object({"removed": reference}, image, common.json)


def _import(file: Path, tag: str | None, common: Common) -> None:
    image = with_client(common.data_dir, lambda client: client.add_image(file, tag=tag), "storing the image")
    fields = {
        "hash": image.hash, "size": image.size, "tags": image.tags, "url": image.url,
        "task package": image.task_package,
    }  # fmt: skip
    show_object(fields, image, common.json)
