import json
from decimal import Decimal
from typing import Any

import msgspec

from golem_vpn.provider.advert import Advert, Surroundings, advertise
from golem_vpn.provider.machine import Machine
from golem_vpn.provider.presets import Preset

MACHINE = Machine(architecture="x86_64", processor="Quick", cores=4, threads=8, memory_gib=16.0, storage_gib=100.0)
ADDRESS = "golem.com.payment.platform.erc20-holesky-tglm.address"
SURROUNDINGS = Surroundings(
    node_name="bob",
    subnet="golem-vpn",
    machine=MACHINE,
    accounts={ADDRESS: "0x" + "a" * 40, "golem.com.payment.protocol.version": 3},
)


def advert(**fields: Any) -> Advert:
    return advertise(Preset(runtime="vm", **fields), SURROUNDINGS)


def test_the_offer_has_all_that_the_sdks_ask_for() -> None:
    properties = advert(hour_price=Decimal("0.36"), cpu_hour_price=Decimal("0.72")).properties
    expected = {
        "golem.com.scheme": "payu",
        "golem.com.pricing.model": "linear",
        "golem.com.pricing.model.linear.coeffs": [0.0001, 0.0002, 0.0],
        "golem.com.usage.vector": ["golem.usage.duration_sec", "golem.usage.cpu_sec"],
        "golem.node.id.name": "bob",
        "golem.node.debug.subnet": "golem-vpn",
        "golem.runtime.name": "vm",
        "golem.runtime.capabilities": ["vpn"],
        "golem.inf.mem.gib": 16.0,
        "golem.inf.storage.gib": 100.0,
        "golem.inf.cpu.threads": 8,
        "golem.inf.cpu.cores": 4,
        "golem.srv.caps.multi-activity": True,
        "golem.com.payment.debit-notes.accept-timeout?": 240,
        **SURROUNDINGS.accounts,
    }
    assert expected.items() <= properties.items()
    # With it, yapapi wants agreements of five hours at least.
    assert "golem.com.scheme.payu.debit-note.interval-sec?" not in properties


def test_coefficients_are_written_with_a_decimal_point() -> None:
    properties = advert(start_price=Decimal(1)).properties
    for encoded in (json.dumps(properties), msgspec.json.encode(properties).decode()):
        assert "[0.0,0.0,1.0]" in encoded.replace(" ", "")


def test_only_demands_of_the_subnet_are_looked_for() -> None:
    assert advert().constraints == "(&(golem.node.debug.subnet=golem-vpn))"


def test_a_preset_offers_no_more_than_there_is() -> None:
    small = advert(threads=2, memory_gib=Decimal("0.5"), storage_gib=Decimal(3)).properties
    assert [small[f"golem.inf.{name}"] for name in ("cpu.threads", "cpu.cores", "mem.gib", "storage.gib")] == [
        2, 2, 0.5, 3.0
    ]  # fmt: skip
    large = advert(threads=64, memory_gib=Decimal(1024)).properties
    assert (large["golem.inf.cpu.threads"], large["golem.inf.mem.gib"]) == (8, 16.0)
