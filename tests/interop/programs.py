"""Programs that run beside a test, and what they printed."""

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path


class Program:
    """A running program, whose output is read line by line."""

    def __init__(self, process: "subprocess.Popen[str]", log: Path) -> None:
        self._process = process
        self._log = log
        self._lines: list[str] = []
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def output(self) -> str:
        """Everything printed so far, and the errors."""
        return "".join(self._lines) + "\n" + self._log.read_text(errors="replace")

    def wait_for(self, pattern: str, timeout: float = 60, *, count: int = 1) -> list[re.Match[str]]:
        """Waits until as many lines match, and gives their matches."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                found = [match for line in self._lines if (match := re.search(pattern, line))]
                if len(found) >= count:
                    return found
                ended = self._process.poll() is not None and not self._reader.is_alive()
                if ended or not self._changed.wait(min(1.0, deadline - time.monotonic())):
                    assert not ended, f"ended before {pattern!r}:\n{self.output}"
                    assert time.monotonic() < deadline, f"no {pattern!r} in {timeout} s:\n{self.output}"

    def interrupt(self, timeout: float = 30, *, tracebacks: bool = False) -> None:
        """Presses Ctrl-C, and waits for a clean end."""
        self._process.send_signal(signal.SIGINT)
        self.wait(timeout, tracebacks=tracebacks)

    def wait(self, timeout: float = 60, *, tracebacks: bool = False) -> None:
        """Waits for a clean end, in which the SDK may show tracebacks of what it has survived."""
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"did not end in {timeout} s:\n{self.output}") from None
        self._reader.join()
        assert code == 0, f"exit code {code}:\n{self.output}"
        assert tracebacks or "Traceback" not in self.output, self.output

    def kill(self) -> None:
        """Ends it, however it stands."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._changed:
                self._lines.append(line)
                self._changed.notify_all()


@contextmanager
def running(command: Sequence[str], environment: Mapping[str, str], log: Path) -> Iterator[Program]:
    """Runs a program, and kills it if the test leaves it running."""
    with open(log, "w") as errors:
        process = subprocess.Popen(
            command, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=errors, text=True
        )
    program = Program(process, log)
    try:
        yield program
    finally:
        program.kill()
