"""A thousand offers against a thousand demands, all different, as the SDKs and providers write them."""

import random
import time
from collections.abc import Iterator

from golem_vpn.market.matching import Entry, Matcher

COUNT = 1000
PLATFORM = "golem.com.payment.platform.erc20-holesky-tglm.address"
BEGINNING = 1_800_000_000_000


def measure_matching() -> dict[str, tuple[float, float]]:
    """Gives the time and the processor time of finding all pairs, in seconds, by how offers and demands come."""
    source = random.Random(0)
    offers, demands = list(_offers(source)), list(_demands(source))
    figures = {}
    for order in ("offers first", "demands first", "in turn"):
        matcher, began, cpu_before = Matcher(), time.perf_counter(), time.process_time()
        if order == "offers first":
            pairs = _pairs(matcher.add_offers(offers)) + _pairs(matcher.add_demands(demands))
        elif order == "demands first":
            pairs = _pairs(matcher.add_demands(demands)) + _pairs(matcher.add_offers(offers))
        else:
            both = zip(offers, demands, strict=True)
            pairs = sum(len(matcher.add_offer(*offer)) + len(matcher.add_demand(*demand)) for offer, demand in both)
        took = time.perf_counter() - began, time.process_time() - cpu_before
        figures[f"{order}, {pairs:,} pairs"] = took
    return figures


def _pairs(found: dict[str, list[str]]) -> int:
    return sum(map(len, found.values()))


def _offers(source: random.Random) -> Iterator[Entry]:
    for number in range(COUNT):
        properties = {
            "golem.com.scheme": "payu",
            "golem.com.pricing.model": "linear",
            "golem.com.pricing.model.linear.coeffs": [source.random() / 1000, source.random() / 1000, 0.0],
            "golem.com.usage.vector": ["golem.usage.cpu_sec", "golem.usage.duration_sec"],
            "golem.node.id.name": f"provider-{number}",
            "golem.node.debug.subnet": source.choice(["public", "golem-vpn"]),
            "golem.runtime.name": source.choice(["vm", "namespace"]),
            "golem.runtime.capabilities": source.choice([["inet", "vpn"], ["vpn"], ["inet"]]),
            "golem.inf.mem.gib": 1 + 63 * source.random(),
            "golem.inf.storage.gib": 10 + 490 * source.random(),
            "golem.inf.cpu.threads": source.randint(1, 64),
            "golem.srv.caps.multi-activity": True,
            PLATFORM: f"0x{number:040x}",
            "golem.com.payment.protocol.version": 3,
        }
        yield Entry(f"offer-{number}", properties, f"(&(golem.srv.comp.expiration>{BEGINNING + number}))")


def _demands(source: random.Random) -> Iterator[Entry]:
    for number in range(COUNT):
        properties = {
            "golem.srv.comp.expiration": BEGINNING + 2 * source.randint(0, COUNT),
            "golem.srv.comp.task_package": f"hash:sha3:{number:056x}:http://127.0.0.1/image",
            "golem.node.debug.subnet": "golem-vpn",
            PLATFORM: f"0x{number:040x}",
        }
        constraints = (
            f"(&(golem.node.debug.subnet={source.choice(['public', 'golem-vpn'])})\n\t({PLATFORM}=*)"
            "\n\t(golem.com.payment.protocol.version>1)\n\t(golem.com.pricing.model=linear)"
            f"\n\t(&(golem.inf.mem.gib>={16 * source.random()})\n\t(golem.inf.storage.gib>={100 * source.random()})"
            f"\n\t(golem.inf.cpu.threads>={source.randint(1, 8)})\n\t(golem.runtime.name=vm)"
            "\n\t(golem.runtime.capabilities=vpn)))"
        )
        yield Entry(f"demand-{number}", properties, constraints)
