"""A small system of programs of this machine, with all that they load.

Programs are found as a shell finds them; the dynamic linker itself tells which libraries they need. Nothing that may
be private is taken: configurations are written anew, by `recipes`.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from golem_vpn.errors import InvalidInput
from golem_vpn.images.sources.directory import node_of
from golem_vpn.images.sources.recipes import BASE, DIRECTORIES, RECIPES, Recipe, User, account_files
from golem_vpn.images.tree import Bytes, Directory, File, Meta, Symlink, Tree

SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_TOP_LINKS = ("bin", "sbin", "lib", "lib32", "lib64")
_LIBRARY = re.compile(r"(/\S+) \(0x")
_INTERPRETER = re.compile(rb"#!\s*(\S+)")
_ELF = b"\x7fELF"
_LDD_SECONDS = 30


def read_programs(programs: Sequence[str], *, base: bool = True) -> Tree:
    """Makes a system of some programs.

    Args:
        programs: Names, or absolute paths.
        base: Whether a shell and the usual small programs come along.

    Raises:
        InvalidInput: a program is not there, or cannot be read.
    """
    system = _System()
    for name in programs:
        system.add_program(name)
    if base:
        system.add_recipe(BASE)
    system.finish()
    return system.tree


class _System:
    def __init__(self) -> None:
        self.tree = Tree()
        self._users: list[User] = []
        self._seen: set[Path] = set()
        self._cooked: set[str] = set()
        for name in _TOP_LINKS:
            if Path("/", name).is_symlink():
                self.tree.put(name.encode(), Symlink(Meta(0o777), os.fsencode(os.readlink(f"/{name}"))))
        for path, mode in DIRECTORIES.items():
            self.tree.put(path.encode(), Directory(Meta(mode)))
        self.tree.put(b"var/run", Symlink(Meta(0o777), b"/run"))

    def add_program(self, name: str) -> None:
        """Adds a program, what it loads, and what its recipe says."""
        found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:{SEARCH_PATH}")
        if found is None:
            raise InvalidInput(f"there is no program {name!r} on this machine")
        path = Path(found).absolute()
        self.add_path(path)
        if path.name == "busybox":
            self._add_applets(path)
        recipe = RECIPES.get(path.name)
        if recipe is not None and path.name not in self._cooked:
            self._cooked.add(path.name)
            self.add_recipe(recipe)

    def add_recipe(self, recipe: Recipe) -> None:
        """Adds what a program needs besides its libraries; of paths and helpers, those that this machine has."""
        for pattern in recipe.paths:
            for path in sorted(Path("/").glob(pattern[1:])):
                self.add_path(path)
        for name in recipe.programs:
            if shutil.which(name, path=SEARCH_PATH):
                self.add_program(name)
        for directory, mode in recipe.directories.items():
            self.tree.put(directory.encode(), Directory(Meta(mode)))
        for file, text in recipe.files.items():
            mode = 0o755 if text.startswith("#!") else 0o644
            self.tree.put(file.encode(), File(Meta(mode), Bytes(text.encode())))
        self._users.extend(recipe.users)

    def add_path(self, path: Path) -> None:
        """Adds a file, what a link leads to, or a directory with all in it, and the libraries of programs."""
        if path in self._seen:
            return
        self._seen.add(path)
        node = node_of(path)
        if node is None:
            return
        self.tree.put(os.fsencode(path), node)
        match node:
            case Directory():
                for name in sorted(os.listdir(path)):
                    self.add_path(path / name)
            case Symlink(_, target):
                # The target counts from where the link really lies, which may be behind another link.
                self.add_path(Path(os.path.normpath(path.parent.resolve() / os.fsdecode(target))))
            case File():
                for needed in _needs(path):
                    self.add_path(needed)

    def finish(self) -> None:
        """Adds what depends on all that is there."""
        if any(path.name.startswith("libpam.so") for path in self._seen):
            self.add_recipe(RECIPES["libpam"])
        for path in sorted(path for path in self._seen if path.name == "busybox"):
            self._add_applets(path)
        for name, mode, text in account_files(self._users):
            self.tree.put(name.encode(), File(Meta(mode), Bytes(text.encode())))

    def _add_applets(self, busybox: Path) -> None:
        """Gives the programs in one their names, where there is no other of that name."""
        listed = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=False)  # noqa: S603
        for applet in listed.stdout.split():
            places = [f"{directory}/{applet}".encode() for directory in ("usr/bin", "usr/sbin", "bin", "sbin")]
            if not any(self.tree.find(place) for place in places):
                self.tree.put(places[0], Symlink(Meta(0o777), os.fsencode(busybox)))


def _needs(path: Path) -> Iterable[Path]:
    """Gives what a program is loaded with: its libraries and their linker, or the interpreter of a script."""
    with path.open("rb") as file:
        start = file.read(128)
    if script := _INTERPRETER.match(start):
        interpreter = Path(os.fsdecode(script[1]))
        return [interpreter] if interpreter.exists() else []
    if not start.startswith(_ELF):
        return []
    try:
        answer = subprocess.run(  # noqa: S603
            ["ldd", path],  # noqa: S607
            capture_output=True, text=True, check=False, timeout=_LDD_SECONDS,
        )  # fmt: skip
    except FileNotFoundError:
        raise InvalidInput("`ldd`, which tells what a program loads, is not on this machine") from None
    return [Path(library) for library in _LIBRARY.findall(answer.stdout)]
