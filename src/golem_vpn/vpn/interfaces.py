"""Interfaces of this machine in networks, by the native core."""

from collections.abc import Sequence

from golem_vpn.errors import Conflict, RuntimeUnavailable
from golem_vpn.net.native_dataplane import NativeDataPlane
from golem_vpn.vpn.addresses import without_prefix


class NativeInterfaces:
    """Makes interfaces whose other end is the data plane."""

    def __init__(self, data_plane: NativeDataPlane) -> None:
        self._data_plane = data_plane

    def create(self, name: str, network_id: str, addresses: Sequence[str]) -> int:
        """Makes an interface with these addresses (CIDR) in a network, and gives its handle.

        Raises:
            RuntimeUnavailable: the daemon may not make interfaces.
            Conflict: there is an interface of that name.
        """
        try:
            return self._data_plane.create_tun(name, addresses, [(network_id, without_prefix(addresses))])
        except PermissionError as error:
            raise RuntimeUnavailable(
                f"The interface {name} cannot be made: {error}; attaching the machine needs root or "
                "CAP_NET_ADMIN for the daemon"
            ) from None
        except OSError as error:
            raise Conflict(f"The interface {name} cannot be made: {error}") from None

    def allow(self, interface: int, network_id: str, addresses: Sequence[str]) -> None:
        """Says which addresses (bare) an interface may use, in place of what it might before."""
        self._data_plane.set_attachments(interface, [(network_id, addresses)])

    def remove(self, interface: int) -> None:
        """Removes an interface."""
        self._data_plane.remove_device(interface)
