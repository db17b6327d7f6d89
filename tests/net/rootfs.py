"""Root file systems for tests, made of programs of this machine and the libraries they need."""

import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

BASIC = (
    *(
        "bash",
        "cat",
        "chmod",
        "chown",
        "chroot",
        "cp",
        "env",
        "grep",
        "hostname",
        "id",
        "ls",
        "mkdir",
        "mknod",
        "mount",
    ),
    *("mv", "perl", "ping", "rm", "sh", "sleep", "stat", "stty", "su", "touch", "tty", "unshare", "ip", "true"),
)
USERS = """\
root:x:0:0:root:/root:/bin/bash
sshd:x:101:65534::/run/sshd:/bin/false
www-data:x:33:33::/var/www:/bin/false
alice:x:1000:1000::/home/alice:/bin/bash
nobody:x:65534:65534::/:/bin/false
"""
GROUPS = "root:x:0:\ntty:x:5:\nwww-data:x:33:\nshadow:x:42:\nalice:x:1000:\nnogroup:x:65534:\n"
PAM = "".join(f"{kind} required pam_unix.so\n" for kind in ("auth", "account", "password", "session"))


def make_root(root: Path, programs: Iterable[str] = ()) -> Path:
    """Makes a root file system with some programs, and the users that servers want."""
    for name in ("usr/bin", "usr/sbin", "usr/lib", "usr/lib64", "etc/pam.d", "root", "run/sshd", "home/alice", "var"):
        (root / name).mkdir(parents=True, exist_ok=True)
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / name).symlink_to(f"usr/{name}")
    for name in (*BASIC, *programs):
        found = shutil.which(name, path="/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin")
        assert found is not None, f"{name} is not installed"
        _add(root, Path(found))
    for module in ("pam_unix", "pam_permit", "pam_deny", "pam_rootok"):
        for found_module in Path("/usr/lib").glob(f"*/security/{module}.so"):
            _add(root, found_module)
    for library in Path("/usr/lib").glob("*-linux-gnu/libnss_files*"):
        _add(root, library)
    for service in ("sshd", "su", "chpasswd", "other"):
        (root / "etc" / "pam.d" / service).write_text(
            PAM if service != "su" else "auth sufficient pam_rootok.so\n" + PAM
        )
    (root / "etc" / "passwd").write_text(USERS)
    (root / "etc" / "group").write_text(GROUPS)
    (root / "etc" / "shadow").write_text(
        "".join(f"{line.split(':')[0]}:*:19000:0:99999:7:::\n" for line in USERS.split())
    )
    (root / "etc" / "shadow").chmod(0o640)
    (root / "etc" / "nsswitch.conf").write_text("passwd: files\ngroup: files\nshadow: files\nhosts: files\n")
    return root


def _add(root: Path, program: Path) -> None:
    """Copies a file, what it links to, and its libraries."""
    resolved = program.resolve()
    for place in {program, resolved}:
        copied = root / place.relative_to("/")
        if not copied.exists():
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(resolved, copied)
    needed = subprocess.run(["ldd", resolved], capture_output=True, text=True, check=False).stdout
    for library in re.findall(r"(/\S+) \(", needed):
        copied = root / library[1:]
        if not copied.exists():
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(library, copied)
