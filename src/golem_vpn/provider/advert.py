"""The offers that this provider publishes: its machine and a preset, in the words of Golem's market."""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import msgspec

from golem_vpn.exeunit.status import DURATION, PROCESSOR_TIME
from golem_vpn.provider import pricing
from golem_vpn.provider.machine import Machine
from golem_vpn.provider.presets import Preset

SUBNET = "golem.node.debug.subnet"
RUNTIME = "golem.runtime.name"
SCHEME = "golem.com.scheme"
ACCEPT_TIMEOUT = "golem.com.payment.debit-notes.accept-timeout?"

DEBIT_NOTE_ACCEPT_SECONDS = 240
CAPABILITIES = ("vpn",)
TRANSFER_PROTOCOLS = ("gftp", "http", "https")
SECONDS_OF_AN_HOUR = 3600


class Advert(msgspec.Struct, frozen=True):
    """An offer as it is handed to the market."""

    properties: dict[str, Any]
    constraints: str


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What all offers of a node have in common."""

    node_name: str
    subnet: str
    machine: Machine
    accounts: Mapping[str, Any]
    """Where payments go, as properties."""


def advertise(preset: Preset, surroundings: Surroundings) -> Advert:
    """Says what a preset offers; requestors of other subnets are not looked for."""
    properties = {
        "golem.node.id.name": surroundings.node_name,
        SUBNET: surroundings.subnet,
        "golem.srv.caps.multi-activity": True,
        "golem.srv.caps.payload-manifest": False,
        RUNTIME: preset.runtime,
        "golem.runtime.version": version("golem-vpn"),
        "golem.runtime.capabilities": list(CAPABILITIES),
        "golem.activity.caps.transfer.protocol": list(TRANSFER_PROTOCOLS),
        **_resources(preset, surroundings.machine),
        **_pricing(preset),
        **surroundings.accounts,
    }
    return Advert(properties, f"(&({SUBNET}={surroundings.subnet}))")


def _resources(preset: Preset, machine: Machine) -> dict[str, Any]:
    threads = min(preset.threads or machine.threads, machine.threads)
    memory = machine.memory_gib if preset.memory_gib is None else float(preset.memory_gib)
    storage = machine.storage_gib if preset.storage_gib is None else float(preset.storage_gib)
    return {
        "golem.inf.cpu.architecture": machine.architecture,
        "golem.inf.cpu.brand": machine.processor,
        "golem.inf.cpu.cores": min(machine.cores, threads),
        "golem.inf.cpu.threads": threads,
        "golem.inf.mem.gib": min(memory, machine.memory_gib),
        "golem.inf.storage.gib": storage,
    }


def _pricing(preset: Preset) -> dict[str, Any]:
    per_second = [price / SECONDS_OF_AN_HOUR for price in (preset.hour_price, preset.cpu_hour_price)]
    return {
        SCHEME: "payu",
        pricing.MODEL: "linear",
        pricing.VECTOR: [DURATION, PROCESSOR_TIME],
        pricing.COEFFICIENTS: pricing.coefficients(per_second, preset.start_price),
        ACCEPT_TIMEOUT: DEBIT_NOTE_ACCEPT_SECONDS,
    }
