import resource
import subprocess
import sys
from pathlib import Path

SOURCES = Path(__file__).parents[2] / "src"

ALLOW = """
import resource
from golem_vpn.descriptors import allow_many_descriptors
resource.setrlimit(resource.RLIMIT_NOFILE, (100, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
allow_many_descriptors()
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def test_a_process_takes_what_it_may_have() -> None:
    command = [sys.executable, "-c", ALLOW]
    done = subprocess.run(command, env={"PYTHONPATH": str(SOURCES)}, capture_output=True, text=True, check=True)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert done.stdout.split() == [str(hard), str(hard)]
