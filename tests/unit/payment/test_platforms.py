import pytest

from golem_vpn.config import DEFAULT_PAYMENT_PLATFORMS
from golem_vpn.errors import InvalidInput
from golem_vpn.payment import platforms
from golem_vpn.payment.platforms import Platform


def test_a_name_has_three_parts() -> None:
    assert platforms.parse("erc20-holesky-tglm") == Platform("erc20", "holesky", "tglm")
    assert [platforms.parse(name).name for name in DEFAULT_PAYMENT_PLATFORMS] == list(DEFAULT_PAYMENT_PLATFORMS)


@pytest.mark.parametrize(
    "name", ["", "erc20", "erc20-holesky", "erc20--tglm", "Erc20-holesky-tglm", "a-b-c-d", "a-b-c\n"]
)
def test_names_of_none(name: str) -> None:
    with pytest.raises(InvalidInput):
        platforms.parse(name)
