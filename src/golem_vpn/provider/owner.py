"""What the provider's owner says at present."""

from pathlib import Path

import anyio
import structlog

from golem_vpn.errors import ConfigurationError
from golem_vpn.provider.presets import Settings, SettingsFile

log = structlog.get_logger()


class Owner:
    """The settings as last read, and whether the provider pauses; both outlive the daemon."""

    def __init__(self, data_dir: Path) -> None:
        self._file = SettingsFile(data_dir / "presets.toml")
        self._pause_mark = data_dir / "provider-paused"
        self.settings = Settings()
        self.complaint: str | None = None
        """What is wrong with the file; the settings are those that it held before."""
        self.paused = False
        """Whether no agreements are to be made; those in force go on."""

    @property
    def settings_path(self) -> Path:
        """Where the settings are."""
        return self._file.path

    async def open(self) -> None:
        """Reads what there is; makes default settings where there are none."""
        await anyio.to_thread.run_sync(self._file.create)
        self.paused = await anyio.to_thread.run_sync(self._pause_mark.exists)
        await self.reload()

    async def reload(self) -> None:
        """Reads the settings if the file has changed; a damaged one changes nothing."""
        try:
            settings = await anyio.to_thread.run_sync(self._file.changed)
        except ConfigurationError as error:
            self.complaint = error.message
            log.error("the settings cannot be used", error=error.message)
            return
        if settings is not None:
            self.settings, self.complaint = settings, None

    async def pause(self) -> None:
        """Makes no agreements from now on."""
        await anyio.to_thread.run_sync(self._pause_mark.touch)
        self.paused = True

    async def resume(self) -> None:
        """Makes agreements again."""
        await anyio.to_thread.run_sync(lambda: self._pause_mark.unlink(missing_ok=True))
        self.paused = False
