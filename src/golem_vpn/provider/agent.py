"""The provider agent: offers this machine on the market, and sees every agreement through to its invoice."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

import anyio
import msgspec
import structlog

from golem_vpn.errors import GolemVpnError
from golem_vpn.market.service import MarketService
from golem_vpn.provider.activities import ProviderActivities
from golem_vpn.provider.advert import Advert, Surroundings, advertise
from golem_vpn.provider.negotiator import Negotiator
from golem_vpn.provider.oversight import Oversight
from golem_vpn.provider.owner import Owner
from golem_vpn.provider.payments import Payments
from golem_vpn.provider.settlement import Settlement
from golem_vpn.provider.storefront import Storefront
from golem_vpn.store.activities import ActivityRepository
from golem_vpn.store.agreements import AgreementRepository, AgreementState, Role, StoredAgreement
from golem_vpn.store.database import Database
from golem_vpn.store.published_offers import PublishedOfferRepository
from golem_vpn.store.settlements import SettlementRepository

log = structlog.get_logger()


class ProviderStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How the provider does."""

    paused: bool
    subnet: str
    agreements: int
    """In force."""
    max_agreements: int
    offers: dict[str, str]
    """The ids of the present offers, by preset."""
    settings: str
    """The file that the owner edits."""
    complaint: str | None
    """What is wrong with that file, if something is."""


class PresetInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A preset as the file has it; prices in GLM."""

    name: str
    runtime: str
    active: bool
    start_price: Decimal
    hour_price: Decimal
    cpu_hour_price: Decimal
    threads: int
    """What the offer says, as the following two."""
    memory_gib: float
    storage_gib: float


class ProviderAgent:
    """Puts the parts together, and shows and pauses them."""

    def __init__(
        self,
        identity: str,
        database: Database,
        market: MarketService,
        payments: Payments,
        activities: ProviderActivities,
        owner: Owner,
        surroundings: Surroundings,
    ) -> None:
        self._identity = identity
        self._market = market
        self._owner = owner
        self._surroundings = surroundings
        self._agreements = AgreementRepository(database, Role.PROVIDER)
        activity_repository = ActivityRepository(database, Role.PROVIDER)
        self._negotiator = Negotiator(market, self._agreements, owner, self._adverts)
        self._published = PublishedOfferRepository(database)
        self._storefront = Storefront(identity, market, self._negotiator, owner, self._adverts, self._published)
        self._settlement = Settlement(SettlementRepository(database), activities, activity_repository, payments)
        self._oversight = Oversight(
            self._agreements, activities, activity_repository, payments, market.agreements.terminate, self._idle_time
        )
        market.agreements.on_change(self._on_change)

    async def run(self) -> None:
        """Works for requestors, for ever."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._settlement.run)
            tasks.start_soon(self._oversight.run)
            tasks.start_soon(self._storefront.run)
            await self._decide_pending()

    @property
    def offers(self) -> Mapping[str, str]:
        """The ids of the present offers, by preset."""
        return self._storefront.offers

    async def status(self) -> ProviderStatus:
        """Tells how it goes."""
        return ProviderStatus(
            paused=self._owner.paused,
            subnet=self._surroundings.subnet,
            agreements=len(await self._agreements.in_state(AgreementState.APPROVED)),
            max_agreements=self._owner.settings.policy.max_agreements,
            offers=dict(self.offers),
            settings=str(self._owner.settings_path),
            complaint=self._owner.complaint,
        )

    def presets(self) -> list[PresetInfo]:
        """Lists the presets, as they were last read."""
        infos = []
        for name, preset in self._owner.settings.presets.items():
            offered = advertise(preset, self._surroundings).properties
            infos.append(
                PresetInfo(
                    name=name,
                    runtime=preset.runtime,
                    active=preset.active,
                    start_price=preset.start_price,
                    hour_price=preset.hour_price,
                    cpu_hour_price=preset.cpu_hour_price,
                    threads=offered["golem.inf.cpu.threads"],
                    memory_gib=offered["golem.inf.mem.gib"],
                    storage_gib=offered["golem.inf.storage.gib"],
                )
            )
        return infos

    async def pause(self) -> None:
        """Withdraws the offers and makes no more agreements; those in force go on."""
        await self._owner.pause()
        self._storefront.look()

    async def resume(self) -> None:
        """Offers again."""
        await self._owner.resume()
        self._storefront.look()

    def _adverts(self) -> Mapping[str, Advert]:
        return {name: advertise(preset, self._surroundings) for name, preset in self._owner.settings.active.items()}

    def _idle_time(self) -> timedelta:
        return timedelta(minutes=self._owner.settings.policy.idle_minutes)

    def _on_change(self, agreement: StoredAgreement) -> None:
        if agreement.role is not Role.PROVIDER:
            return
        if agreement.state is AgreementState.TERMINATED:
            self._settlement.wake()
            self._storefront.renew()
        elif agreement.state is AgreementState.APPROVED:
            self._storefront.renew()

    async def _decide_pending(self) -> None:
        """Decides about what was asked when the daemon was last killed, but not about offers made by hand."""
        foreign = {offer.offer_id for offer in self._market.offers.list(self._identity)}
        foreign -= set(await self._published.all())
        for agreement in await self._agreements.in_state(AgreementState.PENDING):
            if agreement.provider_id == self._identity and agreement.offer_id not in foreign:
                try:
                    await self._negotiator.decide(agreement.id)
                except GolemVpnError as error:
                    log.info("a requestor gets no answer", agreement_id=agreement.id, reason=error.message)
