"""What a provider's owner decides, in the file `presets.toml`: what is offered at which price, and to whom."""

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from golem_vpn.errors import ConfigurationError
from golem_vpn.net.identity import is_node_id

DEFAULT_TEXT = """\
# What this provider offers at which price, and to whom. The daemon reads this file again when it has changed;
# docs/providers.md explains every line.

[policy]
max_agreements = 16           # at a time
max_hours = 720               # how far away the end of a demand may be
idle_minutes = 5              # an agreement without any activity is ended after that
least_debit_note_seconds = 60 # a requestor that asks for debit notes more often gets none
allow = []                    # node ids that may hire this provider; everybody if it is empty
deny = []                     # node ids that may not

[presets.vm]                  # images
runtime = "vm"
start_price = 0.0             # GLM for each activity
hour_price = 0.036            # GLM for each hour that an activity lasts
cpu_hour_price = 0.036        # GLM for each hour of processor time

[presets.namespace]           # programs of this machine, or an image
runtime = "namespace"
start_price = 0.0
hour_price = 0.036
cpu_hour_price = 0.036
"""

Price = Annotated[Decimal, Meta(description="GLM")]
RuntimeName = Literal["vm", "namespace"]


class Preset(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One kind of offer."""

    runtime: RuntimeName
    active: bool = True
    start_price: Price = Decimal(0)
    hour_price: Price = Decimal(0)
    cpu_hour_price: Price = Decimal(0)
    threads: Annotated[int, Meta(ge=1)] | None = None
    """For each agreement, as the following two; all that the machine has where it is not given."""
    memory_gib: Decimal | None = None
    storage_gib: Decimal | None = None


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which agreements this provider makes."""

    max_agreements: Annotated[int, Meta(ge=0, le=10_000)] = 16
    max_hours: Annotated[int, Meta(ge=1)] = 720
    idle_minutes: Annotated[int, Meta(ge=1)] = 5
    least_debit_note_seconds: Annotated[int, Meta(ge=1)] = 60
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that the file says."""

    policy: Policy = Policy()
    presets: dict[str, Preset] = {}

    @property
    def active(self) -> Mapping[str, Preset]:
        """The presets that are offered, by name."""
        return {name: preset for name, preset in self.presets.items() if preset.active}


def parse(text: str) -> Settings:
    """Reads the settings.

    Raises:
        ConfigurationError: the text is not as it must be; the message names the line or the entry.
    """
    try:
        settings = msgspec.convert(tomllib.loads(text, parse_float=Decimal), Settings)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigurationError(str(error)) from None
    for name, preset in settings.presets.items():
        _check_preset(name, preset)
    for node_id in (*settings.policy.allow, *settings.policy.deny):
        if not is_node_id(node_id):
            raise ConfigurationError(f"policy: {node_id!r} is no node id (0x and 40 lower-case hex digits)")
    return settings


class SettingsFile:
    """The settings, and when they were read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read: tuple[int, int] | None = None

    def create(self) -> None:
        """Writes the default settings where there is no file yet."""
        if not self.path.exists():
            self.path.write_text(DEFAULT_TEXT)

    def changed(self) -> Settings | None:
        """Gives the settings if the file is not the one that was read last.

        Raises:
            ConfigurationError: the file is gone, or not as it must be; told once for each change.
        """
        try:
            status = self.path.stat()
            if self._read == (read := (status.st_mtime_ns, status.st_size)):
                return None
            self._read = read
            return parse(self.path.read_text())
        except (OSError, UnicodeDecodeError, ConfigurationError) as error:
            raise ConfigurationError(f"{self.path}: {error}") from None


def _check_preset(name: str, preset: Preset) -> None:
    for field in ("start_price", "hour_price", "cpu_hour_price"):
        price: Decimal = getattr(preset, field)
        if not (price.is_finite() and 0 <= price < 1_000_000_000):
            raise ConfigurationError(f"presets.{name}.{field} has to be an amount of GLM, 0 or more")
    for field in ("memory_gib", "storage_gib"):
        amount: Decimal | None = getattr(preset, field)
        if amount is not None and not (amount.is_finite() and 0 < amount < 1_000_000_000):
            raise ConfigurationError(f"presets.{name}.{field} has to be more than 0")
