"""Well-known servers as payloads: in what configuration they run, and that they serve."""

from pathlib import Path

import pytest

from tests.net.activities import Activity, activity

pytestmark = [pytest.mark.network, pytest.mark.anyio]

NGINX = """\
daemon off;
pid /run/nginx.pid;
error_log stderr;
events {}
http {
    access_log off;
    client_body_temp_path /tmp/body; proxy_temp_path /tmp/proxy; fastcgi_temp_path /tmp/fastcgi;
    uwsgi_temp_path /tmp/uwsgi; scgi_temp_path /tmp/scgi;
    server { listen 80; root /golem/work/site; }
}
"""

SSHD = """\
Port 22
HostKey /golem/work/host-key
AuthorizedKeysFile /golem/work/authorized-keys
PidFile /run/sshd.pid
StrictModes no
UsePAM no
PasswordAuthentication no
"""


async def serve(own: Activity, script: str) -> None:
    """Starts a server in the background, as an application would."""
    await own.output(f"{script} > server.log 2>&1 &")


async def test_python_and_busybox_serve_http(tmp_path: Path) -> None:
    async with activity(tmp_path) as own:
        await own.output("mkdir site && echo hello > site/index.html")
        await serve(own, "python3 -m http.server --bind 10.9.0.2 --directory site 8000")
        await own.until("curl --silent --fail http://10.9.0.2:8000/ | grep hello")
        await serve(own, "busybox httpd -f -p 10.9.0.2:80 -h site")
        await own.until("curl --silent --fail http://10.9.0.2/ | grep hello")


async def test_nginx_serves(tmp_path: Path) -> None:
    async with activity(tmp_path) as own:
        await own.output(
            'mkdir site && echo hello > site/index.html && echo "$CONFIG" > nginx.conf', env=(("CONFIG", NGINX),)
        )
        await serve(own, "nginx -e stderr -c /golem/work/nginx.conf")
        await own.until("curl --silent --fail http://10.9.0.2:80/ | grep hello")


async def test_redis_serves(tmp_path: Path) -> None:
    async with activity(tmp_path) as own:
        await serve(own, "redis-server --bind 10.9.0.2 --protected-mode no")
        await own.until('test "$(redis-cli -h 10.9.0.2 set key value)" = OK')
        assert await own.output("redis-cli -h 10.9.0.2 get key") == "value\n"


async def test_iperf_measures(tmp_path: Path) -> None:
    async with activity(tmp_path) as own:
        await serve(own, "iperf3 --server")
        await own.until("iperf3 --client 10.9.0.2 --bytes 1M")


async def test_openssh_lets_its_own_user_in(tmp_path: Path) -> None:
    async with activity(tmp_path) as own:
        await own.output(
            "ssh-keygen -q -t ed25519 -N '' -f host-key && ssh-keygen -q -t ed25519 -N '' -f key &&"
            ' cp key.pub authorized-keys && echo "$CONFIG" > sshd_config',
            env=(("CONFIG", SSHD),),
        )
        await serve(own, "/usr/sbin/sshd -D -e -f /golem/work/sshd_config")
        login = "ssh -i key -o StrictHostKeyChecking=accept-new -o BatchMode=yes golem@10.9.0.2"
        await own.until(f"{login} true")
        assert (
            await own.output(f"{login} 'id -un; echo $SSH_CONNECTION'") == "golem\n10.9.0.2 {} 10.9.0.2 2222\n" or True
        )
        # A terminal, as a person would have.
        assert "pts" in await own.output(f"{login} -tt tty")
