import os
from decimal import Decimal
from pathlib import Path

import pytest

from golem_vpn.errors import ConfigurationError
from golem_vpn.provider.presets import DEFAULT_TEXT, Policy, SettingsFile, parse


def test_the_default_settings() -> None:
    settings = parse(DEFAULT_TEXT)
    assert settings.policy == Policy()
    assert {name: preset.runtime for name, preset in settings.active.items()} == {"vm": "vm", "namespace": "namespace"}
    assert settings.presets["vm"].hour_price == Decimal("0.036")


def test_an_inactive_preset_is_not_offered() -> None:
    settings = parse('[presets.old]\nruntime = "vm"\nactive = false')
    assert list(settings.presets) == ["old"]
    assert not settings.active


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("[policy", "at end of document"),
        ("[policy]\nmax_agreement = 3", "max_agreement"),
        ("[policy]\nmax_hours = 0", r"\$\.policy\.max_hours"),
        ('[policy]\nallow = ["0xABC"]', "0xABC"),
        ("[presets.vm]\nhour_price = 1", "runtime"),
        ('[presets.vm]\nruntime = "wasm"', "wasm"),
        ('[presets.vm]\nruntime = "vm"\nhour_price = -0.1', r"presets\.vm\.hour_price"),
        ('[presets.vm]\nruntime = "vm"\nstart_price = nan', r"presets\.vm\.start_price"),
        ('[presets.vm]\nruntime = "vm"\nmemory_gib = 0', r"presets\.vm\.memory_gib"),
        ('[presets.vm]\nruntime = "vm"\nthreads = 0', r"threads"),
    ],
)
def test_settings_that_cannot_be(text: str, cause: str) -> None:
    with pytest.raises(ConfigurationError, match=cause):
        parse(text)


def test_a_file_is_read_again_only_when_it_has_changed(tmp_path: Path) -> None:
    file = SettingsFile(tmp_path / "presets.toml")
    file.create()
    assert file.changed() == parse(DEFAULT_TEXT)
    assert file.changed() is None
    file.path.write_text("[policy]\nmax_agreements = 3")
    settings = file.changed()
    assert settings is not None
    assert settings.policy.max_agreements == 3


def test_an_edited_file_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "presets.toml"
    path.write_text("[policy]")
    SettingsFile(path).create()
    assert path.read_text() == "[policy]"


def test_a_damaged_file_is_named_once(tmp_path: Path) -> None:
    file = SettingsFile(tmp_path / "presets.toml")
    file.path.write_text("[policy")
    with pytest.raises(ConfigurationError, match=r"presets\.toml"):
        file.changed()
    assert file.changed() is None
    file.path.write_text("[policy]")
    os.utime(file.path, ns=(1, 1))
    assert file.changed() is not None


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"presets\.toml"):
        SettingsFile(tmp_path / "presets.toml").changed()
