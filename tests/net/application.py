"""An application that does what Golem's SDKs do, call by call, without one of them."""

import time
from dataclasses import dataclass, field
from typing import Any

import anyio

from golem_vpn.sdk.client import Client

MARKET = "/market-api/v1"
PAYMENT = "/payment-api/v1"
PLATFORM = "erc20-holesky-tglm"
PATIENCE_SECONDS = 20.0
LONG_AGO = "2020-01-01T00:00:00Z"


@dataclass
class Application:
    """One demand, and what comes of it."""

    client: Client
    runtime: str = "namespace"
    subnet: str = "golem-vpn"
    wanted: dict[str, Any] = field(default_factory=dict)
    """Further properties of the demand."""
    allocation_id: str = ""
    demand_id: str = ""
    properties: dict[str, Any] = field(default_factory=dict)
    constraints: str = ""
    proposals: list[dict[str, Any]] = field(default_factory=list)
    """Those that came and were not asked for yet."""

    async def open(self) -> None:
        """Sets money aside and makes the demand."""
        me = (await self.client.me()).identity
        allocation = await self.client.ask(
            dict[str, Any], "POST", f"{PAYMENT}/allocations",
            {"totalAmount": "1.0", "makeDeposit": False, "paymentPlatform": PLATFORM, "address": me},
        )  # fmt: skip
        self.allocation_id = allocation["allocationId"]
        decorations = await self.client.ask(
            dict[str, Any], "GET", f"{PAYMENT}/demandDecorations", allocationIds=self.allocation_id
        )
        self.properties = {
            "golem.srv.comp.expiration": int(time.time() * 1000) + 600_000,
            "golem.srv.caps.multi-activity": True,
            "golem.node.debug.subnet": self.subnet,
            **{entry["key"]: entry["value"] for entry in decorations["properties"]},
            **self.wanted,
        }
        terms = [
            f"(golem.node.debug.subnet={self.subnet})", *decorations["constraints"], "(golem.com.pricing.model=linear)",
            "(&(golem.inf.mem.gib>=0.2)\n\t(golem.inf.storage.gib>=0.1)\n\t(golem.inf.cpu.threads>=1)\n\t"
            f"(golem.runtime.name={self.runtime})\n\t(golem.runtime.capabilities=vpn))",
        ]  # fmt: skip
        self.constraints = "(&" + "\n\t".join(terms) + ")"
        self.demand_id = await self.client.ask(str, "POST", f"{MARKET}/demands", self._demand())

    async def close(self) -> None:
        """Takes the demand and the money back."""
        await self.client.ask(type(None), "DELETE", f"{MARKET}/demands/{self.demand_id}")
        await self.client.ask(type(None), "DELETE", f"{PAYMENT}/allocations/{self.allocation_id}")

    async def proposal(self, state: str) -> dict[str, Any]:
        """Gives the next proposal that is in a state; others wait for their turn."""
        with anyio.fail_after(PATIENCE_SECONDS):
            while True:
                for proposal in self.proposals:
                    if proposal["state"] == state:
                        self.proposals.remove(proposal)
                        return proposal
                path = f"{MARKET}/demands/{self.demand_id}/events"
                for event in await self.client.ask(list[dict[str, Any]], "GET", path, timeout=5, maxEvents=10):
                    assert event["eventType"] == "ProposalEvent", event
                    self.proposals.append(event["proposal"])

    async def counter(self, proposal: dict[str, Any]) -> str:
        """Answers a proposal with the demand."""
        chosen = {"golem.com.payment.chosen-platform": PLATFORM}
        path = f"{MARKET}/demands/{self.demand_id}/proposals/{proposal['proposalId']}"
        return await self.client.ask(str, "POST", path, self._demand(chosen))

    async def agree(self, draft: dict[str, Any]) -> str:
        """Makes an agreement of a provider's answer, and returns when it is approved."""
        valid_to = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
        body = {"proposalId": draft["proposalId"], "validTo": valid_to}
        agreement_id = await self.client.ask(str, "POST", f"{MARKET}/agreements", body)
        path = f"{MARKET}/agreements/{agreement_id}"
        await self.client.ask(type(None), "POST", f"{path}/confirm", appSessionId="session")
        await self.client.ask(type(None), "POST", f"{path}/wait", timeout=15)
        return agreement_id

    async def agreement(self) -> str:
        """Goes from the next match to an approved agreement."""
        await self.counter(await self.proposal("Initial"))
        return await self.agree(await self.proposal("Draft"))

    async def terminate(self, agreement_id: str) -> None:
        """Ends an agreement."""
        path = f"{MARKET}/agreements/{agreement_id}/terminate"
        await self.client.ask(type(None), "POST", path, {"message": "Finished", "golem.requestor.code": "Cancelled"})

    async def invoice(self, agreement_id: str) -> dict[str, Any]:
        """Waits for the invoice of an agreement."""
        after = LONG_AGO
        with anyio.fail_after(PATIENCE_SECONDS):
            while True:
                events = await self.client.ask(
                    list[dict[str, Any]], "GET", f"{PAYMENT}/invoiceEvents", timeout=5, afterTimestamp=after,
                )  # fmt: skip
                for event in events:
                    after = event["eventDate"]
                    if event["eventType"] == "InvoiceReceivedEvent":
                        path = f"{PAYMENT}/invoices/{event['invoiceId']}"
                        invoice = await self.client.ask(dict[str, Any], "GET", path)
                        if invoice["agreementId"] == agreement_id:
                            return invoice

    async def accept(self, invoice: dict[str, Any]) -> dict[str, Any]:
        """Accepts an invoice, and gives it as it is then."""
        path = f"{PAYMENT}/invoices/{invoice['invoiceId']}"
        body = {"totalAmountAccepted": invoice["amount"], "allocationId": self.allocation_id}
        await self.client.ask(type(None), "POST", f"{path}/accept", body)
        return await self.client.ask(dict[str, Any], "GET", path)

    def _demand(self, further: dict[str, Any] | None = None) -> dict[str, Any]:
        return {"properties": self.properties | (further or {}), "constraints": self.constraints}
