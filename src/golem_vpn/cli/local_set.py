"""A requestor and providers on this machine, as background daemons.

The set's folder is the requestor's data folder, so that every other command takes the same `--data-dir`; the providers'
folders lie below it. `down` ends the processes that `local.json` names, and removes the folders that `up` made.
"""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from golem_vpn.cli.processes import DaemonProcess, StartingDaemon, end_daemons, interruptions_deferred
from golem_vpn.cli.session import NoDaemon
from golem_vpn.errors import ConfigurationError, Conflict

SUBNET = "golem-vpn"
"""The market subnet of the providers, which `golem-vpn local env` exports."""
ANY_PORT = "127.0.0.1:0"

Tell = Callable[[str], None]
Ticket = Callable[[Path], str]
Join = Callable[[Path, str], object]


class LocalState(msgspec.Struct, frozen=True):
    """What `local.json` holds."""

    created: bool
    """Whether `up` made the set's folder."""
    daemons: list[DaemonProcess]


class LocalSet:
    """The local set of one folder."""

    def __init__(self, data_dir: Path, requestor_options: Sequence[str] = ()) -> None:
        self.data_dir = data_dir.absolute()
        self._requestor_options = requestor_options
        self._file = self.data_dir / "local.json"
        self._providers = self.data_dir / "providers"

    def daemons(self) -> list[DaemonProcess]:
        """Gives the daemons that were started, the requestor first; none when there is no set."""
        state = self._state()
        return state.daemons if state else []

    def requestor(self) -> DaemonProcess:
        """Gives the requestor.

        Raises:
            NoDaemon: no set is running in this folder.
        """
        daemons = self.daemons()
        if not daemons or not daemons[0].running:
            raise NoDaemon(f"no local set is running in {self.data_dir}")
        return daemons[0]

    def up(self, providers: int, api: str, ticket: Ticket, join: Join, tell: Tell) -> list[DaemonProcess]:
        """Starts a requestor with a hub, and providers that have joined it; returns when all are ready.

        Args:
            providers: how many.
            api: where the requestor's API listens, `HOST:PORT`.
            ticket: gives a ticket of the hub in a data folder.
            join: makes a data folder join by a ticket.
            tell: takes a line of progress.

        Raises:
            Conflict: the set is running already.
            DaemonFailed: a daemon ended or was not ready in time; the others are stopped again.
        """
        if any(daemon.running for daemon in self.daemons()):
            raise Conflict(f"a local set is running in {self.data_dir}; `golem-vpn local down` ends it")
        earlier = self._state()
        created = earlier.created if earlier else not self.data_dir.exists()
        self._record(LocalState(created=created, daemons=[]))
        try:
            tell("starting the requestor")
            options = ["--hub", "--api", api, "--listen", ANY_PORT, *self._requestor_options]
            self._start("requestor", self.data_dir, options).wait_ready()
            folders = [self._providers / str(number) for number in range(1, providers + 1)]
            for folder in folders:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                join(folder, ticket(self.data_dir))
            tell(f"starting {providers} {'provider' if providers == 1 else 'providers'}")
            options = ["--provider", "--subnet", SUBNET, "--allow-local-urls", "--api", ANY_PORT, "--listen", ANY_PORT]
            starting = [self._start(f"provider-{folder.name}", folder, options) for folder in folders]
            for provider in starting:
                provider.wait_ready()
        except BaseException:
            self.down()
            raise
        return self.daemons()

    def down(self) -> int:
        """Ends every daemon of the set, removes what `up` made, and gives how many were running."""
        state = self._state()
        if state is None:
            return 0
        ended = end_daemons(list(reversed(state.daemons)))
        shutil.rmtree(self._providers, ignore_errors=True)
        if state.created:
            shutil.rmtree(self.data_dir, ignore_errors=True)
        self._file.unlink(missing_ok=True)
        return ended

    def _start(self, name: str, folder: Path, options: list[str]) -> StartingDaemon:
        state = self._state()
        assert state is not None
        with interruptions_deferred():
            starting = StartingDaemon(name, folder, options)
            self._record(LocalState(created=state.created, daemons=[*state.daemons, starting.daemon]))
        return starting

    def _state(self) -> LocalState | None:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=LocalState)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError as error:
            raise ConfigurationError(
                f"{self._file}, which names the daemons of the local set, is damaged ({error}); end the daemons that "
                "`ps` shows, and remove the file"
            ) from None

    def _record(self, state: LocalState) -> None:
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = self._file.with_suffix(".new")
        temporary.write_bytes(msgspec.json.encode(state))
        temporary.replace(self._file)
