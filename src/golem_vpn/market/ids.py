"""The ids of the market, in the forms of the original.

A proposal has one key on both sides; the letter before it says whose view it is.
"""

import hashlib
import re
import secrets

from golem_vpn.errors import InvalidInput
from golem_vpn.store.roles import Role

_KEY = re.compile(r"[0-9a-f]{64}")
_LETTERS = {Role.REQUESTOR: "R", Role.PROVIDER: "P"}


def new_subscription_id() -> str:
    """Makes the id of a demand or an offer."""
    return f"{secrets.token_hex(16)}-{secrets.token_hex(32)}"


def new_key() -> str:
    """Makes the key of a proposal, or the id of an agreement."""
    return secrets.token_hex(32)


def initial_key(demand_id: str, offer_id: str) -> str:
    """Gives the key of the proposal that a match is: the same whenever the two match."""
    return hashlib.sha3_256(f"{demand_id} {offer_id}".encode()).hexdigest()


def id_of(role: Role, key: str) -> str:
    """Gives one side's id of a proposal."""
    return f"{_LETTERS[role]}-{key}"


def key_of(proposal_id: str) -> str:
    """Gives the key in a proposal's id."""
    return proposal_id.partition("-")[2]


def role_of(proposal_id: str) -> Role:
    """Tells whose view a proposal's id is of."""
    return Role.REQUESTOR if proposal_id.startswith(_LETTERS[Role.REQUESTOR]) else Role.PROVIDER


def check_key(key: str) -> None:
    """Makes sure that a key of another node's is one.

    Raises:
        InvalidInput: it is not.
    """
    if not _KEY.fullmatch(key):
        raise InvalidInput("the keys of proposals and agreements have 64 hex digits")
