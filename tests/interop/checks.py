"""What every application's test looks at: ports, payments, real programs."""

import os
import socket
import stat
import subprocess
import time
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import httpx

from tests.interop.conftest import Golem


def free_ports(count: int) -> int:
    """Finds the first of some ports in a row that nobody listens at."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as server:
            first = int(server.getsockname()[1])
        try:
            for port in range(first, first + count):
                socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return first


def ssh(port: int, password: str, command: str, folder: Path) -> str:
    """Runs a command by OpenSSH's client, which logs in by password."""
    answer = folder / "answer"
    answer.write_text(f"#!/bin/sh\necho {password}\n")
    answer.chmod(stat.S_IRWXU)
    options = [
        f"-p{port}", "-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null", "-oLogLevel=ERROR",
        "-oPreferredAuthentications=password", "-oNumberOfPasswordPrompts=1", "-oConnectTimeout=20",
    ]  # fmt: skip
    done = subprocess.run(
        ["ssh", *options, "root@127.0.0.1", command],
        env={**os.environ, "SSH_ASKPASS": str(answer), "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": ""},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def page(url: str) -> str:
    """Fetches a page, as soon as its server answers."""
    for attempt in range(50):
        try:
            return httpx.get(url, timeout=10).raise_for_status().text
        except httpx.HTTPError:
            if attempt == 49:
                raise
            time.sleep(0.1)
    raise AssertionError


def invoices(golem: Golem) -> dict[str, dict[str, Any]]:
    """Gives the requestor's invoices by agreement."""
    return {invoice["agreementId"]: invoice for invoice in golem.get("/payment-api/v1/invoices")}


def check_paid(golem: Golem, before: dict[str, dict[str, Any]], count: int) -> None:
    """Makes sure that as many new agreements ended, each with one accepted invoice of the right amount."""
    new = {agreement: invoice for agreement, invoice in invoices(golem).items() if agreement not in before}
    assert len(new) == count, new
    for agreement_id, invoice in new.items():
        assert invoice["status"] in {"ACCEPTED", "SETTLED"}, invoice
        assert Decimal(invoice["amount"]) > 0
        agreement = golem.get(f"/market-api/v1/agreements/{agreement_id}")
        assert agreement["state"] == "Terminated"
        usage = [
            golem.get(f"/activity-api/v1/activity/{each}/usage")["currentUsage"] for each in invoice["activityIds"]
        ]
        assert Decimal(invoice["amount"]) == _price(agreement, usage), (invoice, usage)


def _price(agreement: dict[str, Any], usage: list[list[float]]) -> Decimal:
    coefficients = agreement["offer"]["properties"]["golem.com.pricing.model.linear.coeffs"]
    *rates, start = (Decimal(str(coefficient)) for coefficient in coefficients)
    return sum((_cost(rates, start, amounts) for amounts in usage), Decimal(0))


def _cost(rates: list[Decimal], start: Decimal, amounts: list[float]) -> Decimal:
    used = (rate * Decimal(str(amount)) for rate, amount in zip(rates, amounts, strict=True))
    return (start + sum(used, Decimal(0))).quantize(Decimal("1e-18"), ROUND_HALF_UP)
