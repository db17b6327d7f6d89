"""What some programs need besides their libraries: data, directories, users, and a configuration to begin with."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

NOBODY = 65534


@dataclass(frozen=True)
class User:
    """An entry of `/etc/passwd` and `/etc/group`."""

    name: str
    number: int
    home: str = "/nonexistent"
    shell: str = "/usr/sbin/nologin"


@dataclass(frozen=True)
class Recipe:
    """What comes along with a program."""

    paths: tuple[str, ...] = ()
    """Patterns of files and directories that are taken from this machine where it has them."""
    programs: tuple[str, ...] = ()
    """Helpers, taken where this machine has them."""
    directories: Mapping[str, int] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    users: tuple[User, ...] = ()


DIRECTORIES: Mapping[str, int] = {
    "dev": 0o755, "etc": 0o755, "home": 0o755, "mnt": 0o755, "opt": 0o755, "proc": 0o555, "root": 0o700,
    "run": 0o755, "run/lock": 0o1777, "srv": 0o755, "sys": 0o555, "tmp": 0o1777, "usr/bin": 0o755, "usr/lib": 0o755,
    "usr/sbin": 0o755, "usr/local/bin": 0o755, "var/cache": 0o755, "var/lib": 0o755, "var/log": 0o755,
    "var/spool": 0o755, "var/tmp": 0o1777,
}  # fmt: skip

BASE = Recipe(
    paths=(
        "/etc/ld.so.cache",
        "/etc/protocols",
        "/etc/services",
        "/etc/ssl/certs/ca-certificates.crt",
        "/lib/*/libnss_dns.so.2",
        "/lib/*/libnss_files.so.2",
        "/lib/libnss_*.so.2",
        "/usr/lib/locale/C.utf8",
        *(
            f"/{place}/terminfo/{name[0]}/{name}"
            for place in ("lib", "usr/share")
            for name in ("ansi", "dumb", "linux", "rxvt", "screen", "screen-256color", "tmux", "tmux-256color",
                         "vt100", "vt220", "xterm", "xterm-256color", "xterm-color")
        ),
    ),
    programs=(
        "sh", "awk", "basename", "cat", "chgrp", "chmod", "chown", "cp", "cut", "date", "dd", "df", "dirname", "du",
        "echo", "env", "expr", "false", "find", "free", "getent", "grep", "gunzip", "gzip", "head", "hostname", "id",
        "install", "ip", "kill", "ln", "ls", "mkdir", "mkfifo", "mktemp", "mv", "nohup", "nologin", "nproc", "ping",
        "pkill", "printenv", "printf", "ps", "pwd", "readlink", "realpath", "rm", "rmdir", "sed", "seq", "sha256sum",
        "sleep", "sort", "stat", "stty", "su", "sync", "tail", "tar", "tee", "test", "timeout", "touch", "tr", "true",
        "tty", "uname", "uniq", "wc", "which", "whoami", "xargs", "yes", "[",
    ),
    files={
        "etc/hostname": "golem\n",
        "etc/hosts": "127.0.0.1 localhost\n::1 localhost ip6-localhost\n",
        "etc/nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nservices: files\n",
        "etc/profile": "export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n",
    },
    users=(User("golem", 1000, "/home/golem", "/bin/sh"),),
)  # fmt: skip

_SSHD = """\
# Who may enter is decided by keys and passwords, which an image of `golem-vpn image build` has none of.
PermitRootLogin yes
PasswordAuthentication yes
UseDNS no
PrintMotd no
AcceptEnv LANG LC_*
Subsystem sftp internal-sftp
"""

_NGINX = """\
user www-data;
worker_processes auto;
pid /run/nginx.pid;
error_log /var/log/nginx/error.log;
events {
    worker_connections 1024;
}
http {
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    access_log /var/log/nginx/access.log;
    sendfile on;
    server {
        listen 80 default_server;
        listen [::]:80 default_server;
        server_name _;
        root /usr/share/nginx/html;
        index index.html;
    }
    include /etc/nginx/conf.d/*.conf;
}
"""

_PAM = """\
auth     sufficient pam_rootok.so
auth     required   pam_unix.so
account  required   pam_unix.so
password required   pam_unix.so sha512
session  required   pam_permit.so
"""

_PYTHON = Recipe(paths=("/usr/lib/python3", "/usr/lib/python3.*", "/usr/local/lib/python3.*"))

RECIPES: Mapping[str, Recipe] = {
    "sshd": Recipe(
        paths=("/etc/ssh/moduli", "/usr/lib*/openssh/*", "/usr/libexec/openssh/*", "/usr/lib*/ssh/*"),
        programs=("chpasswd", "passwd", "scp", "sftp", "ssh", "ssh-keygen"),
        directories={"run/sshd": 0o755, "var/empty": 0o755, "root/.ssh": 0o700},
        files={"etc/ssh/sshd_config": _SSHD},
        users=(User("sshd", 100, "/run/sshd"),),
    ),
    "nginx": Recipe(
        paths=("/etc/nginx/mime.types", "/etc/nginx/fastcgi_params", "/etc/nginx/proxy_params"),
        directories={"etc/nginx/conf.d": 0o755, "var/log/nginx": 0o755, "var/lib/nginx": 0o755},
        files={
            "etc/nginx/nginx.conf": _NGINX,
            "usr/share/nginx/html/index.html": "<!doctype html><title>golem-vpn</title><p>It works.</p>\n",
            # Containers of nginx are started by this, and so do programs that were written for those.
            "docker-entrypoint.sh": '#!/bin/sh\nexec "$@"\n',
        },
        users=(User("www-data", 33, "/var/www"),),
    ),
    "redis-server": Recipe(
        programs=("redis-cli",),
        directories={"var/lib/redis": 0o755, "var/log/redis": 0o755},
        users=(User("redis", 101, "/var/lib/redis"),),
    ),
    "libpam": Recipe(
        paths=tuple(
            f"{place}/security/{module}.so"
            for place in ("/lib/*", "/lib", "/lib64")
            for module in ("pam_deny", "pam_permit", "pam_rootok", "pam_unix")
        ),
        programs=("unix_chkpwd",),
        files={"etc/pam.d/other": _PAM, "etc/login.defs": "ENCRYPT_METHOD SHA512\n"},
    ),
    "python3": _PYTHON,
    "python": _PYTHON,
    "perl": Recipe(paths=("/usr/lib/*/perl*", "/usr/share/perl*")),
    "git": Recipe(paths=("/usr/lib/git-core", "/usr/share/git-core")),
}


def account_files(users: Iterable[User]) -> list[tuple[str, int, str]]:
    """Writes the files of users and groups: path, mode, text. Nobody has a password, and nobody can enter by one."""
    every = [User("root", 0, "/root", "/bin/sh"), *dict.fromkeys(users), User("nobody", NOBODY)]
    groups = [(user.name, user.number) for user in every if user.number != NOBODY]
    groups += [("tty", 5), ("shadow", 42), ("nogroup", NOBODY)]
    passwd = (f"{user.name}:x:{user.number}:{user.number}:{user.name}:{user.home}:{user.shell}\n" for user in every)
    return [
        ("etc/passwd", 0o644, "".join(passwd)),
        ("etc/group", 0o644, "".join(f"{name}:x:{number}:\n" for name, number in groups)),
        ("etc/shadow", 0o640, "".join(f"{user.name}:*:19000:0:99999:7:::\n" for user in every)),
        ("etc/shells", 0o644, "/bin/sh\n/bin/bash\n"),
    ]
