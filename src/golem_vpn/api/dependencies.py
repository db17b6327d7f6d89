"""What routes ask for by parameter name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from litestar import Request
from litestar.di import NamedDependency, Provide
from litestar.params import SkipValidation

from golem_vpn.activity.service import ActivityService
from golem_vpn.api.app_keys import AppKeys
from golem_vpn.api.gate import Gates
from golem_vpn.api.ports import Directory, NodeView, Provider
from golem_vpn.files.bus import Bus
from golem_vpn.files.service import FileService
from golem_vpn.images.registry import Registry
from golem_vpn.market.agreements import AgreementService
from golem_vpn.market.service import MarketService
from golem_vpn.net.identity import Identities
from golem_vpn.payment.service import PaymentService
from golem_vpn.store.app_keys import StoredAppKey
from golem_vpn.vpn.attachments import Attachments
from golem_vpn.vpn.networks import NetworkService


@dataclass(frozen=True, slots=True)
class Services:
    """All that the API calls."""

    node: NodeView
    identities: Identities
    app_keys: AppKeys
    networks: NetworkService
    gates: Gates
    directory: Directory
    attachments: Attachments
    market: MarketService
    activities: ActivityService
    images: Registry
    payments: PaymentService
    files: FileService
    bus: Bus
    provider: Provider | None = None
    allow_origins: tuple[str, ...] = ()
    """Web origins that may call with any key."""


Caller: TypeAlias = NamedDependency[SkipValidation[StoredAppKey]]
Keys: TypeAlias = NamedDependency[SkipValidation[AppKeys]]
Node: TypeAlias = NamedDependency[SkipValidation[NodeView]]
Networks: TypeAlias = NamedDependency[SkipValidation[NetworkService]]
Hubs: TypeAlias = NamedDependency[SkipValidation[Directory]]
OpenGates: TypeAlias = NamedDependency[SkipValidation[Gates]]
OwnAttachments: TypeAlias = NamedDependency[SkipValidation[Attachments]]
Market: TypeAlias = NamedDependency[SkipValidation[MarketService]]
Agreements: TypeAlias = NamedDependency[SkipValidation[AgreementService]]
Activities: TypeAlias = NamedDependency[SkipValidation[ActivityService]]
Images: TypeAlias = NamedDependency[SkipValidation[Registry]]
Payments: TypeAlias = NamedDependency[SkipValidation[PaymentService]]
FileBus: TypeAlias = NamedDependency[SkipValidation[Bus]]
# Not `files`: the framework takes a bad body field of a dependency's name for a failure of the daemon.
OwnFiles: TypeAlias = NamedDependency[SkipValidation[FileService]]
OwnProvider: TypeAlias = NamedDependency[SkipValidation[Provider | None]]
OwnIdentities: TypeAlias = NamedDependency[SkipValidation[Identities]]


def providers(services: Callable[[], Services]) -> dict[str, Provide]:
    """Names what routes can ask for; whoever gives the services is asked anew for each request."""

    def provide(choose: Callable[[Services], object]) -> Provide:
        return Provide(lambda: choose(services()), sync_to_thread=False)

    return {
        "caller": Provide(_caller, sync_to_thread=False),
        "node": provide(lambda its: its.node),
        "identities": provide(lambda its: its.identities),
        "app_keys": provide(lambda its: its.app_keys),
        "networks": provide(lambda its: its.networks),
        "gates": provide(lambda its: its.gates),
        "directory": provide(lambda its: its.directory),
        "attachments": provide(lambda its: its.attachments),
        "market": provide(lambda its: its.market),
        "agreements": provide(lambda its: its.market.agreements),
        "activities": provide(lambda its: its.activities),
        "images": provide(lambda its: its.images),
        "payments": provide(lambda its: its.payments),
        "bus": provide(lambda its: its.bus),
        "own_files": provide(lambda its: its.files),
        "provider": provide(lambda its: its.provider),
    }


def _caller(request: Request[Any, StoredAppKey, Any]) -> StoredAppKey:
    return request.auth
