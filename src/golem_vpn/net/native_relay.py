"""The relay of the native core, and the certificate by which others know it."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from golem_vpn import _native
from golem_vpn.errors import ConfigurationError
from golem_vpn.net.keyfile import create_secret, read_secret

FILE = "relay.pem"

_SECTION = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----\n?", re.DOTALL)


@dataclass(frozen=True)
class Certificate:
    """A certificate chain and its key, both in PEM."""

    chain: bytes
    key: bytes

    @classmethod
    def given(cls, chain: Path, key: Path) -> "Certificate":
        """Reads what the operator names.

        Raises:
            ConfigurationError: a file cannot be read, or others may read the key.
        """
        try:
            return cls(chain.read_bytes(), read_secret(key).encode())
        except OSError as error:
            raise ConfigurationError(f"the relay's certificate cannot be read: {error}") from None

    @classmethod
    def own(cls, data_directory: Path, names: Sequence[str]) -> "Certificate":
        """Reads the self-made certificate of a data folder, which is made when it is first asked for.

        Raises:
            ConfigurationError: the file is open to other users, or damaged.
        """
        path = data_directory / FILE
        if not path.exists():
            chain, key = _native.Relay.make_certificate(list(names))
            create_secret(path, (chain + key).decode())
        return cls.parse(read_secret(path), path)

    @classmethod
    def parse(cls, text: str, path: Path) -> "Certificate":
        """Reads a certificate and its key from one text.

        Raises:
            ConfigurationError: one of them is not there.
        """
        sections = [(match[1], match[0]) for match in _SECTION.finditer(text)]
        chain = "".join(section for label, section in sections if label == "CERTIFICATE")
        key = "".join(section for label, section in sections if label.endswith("PRIVATE KEY"))
        if not chain or not key:
            raise ConfigurationError(f"{path} is damaged; without it a new certificate is made, and old tickets end")
        return cls(chain.encode(), key.encode())


class NativeRelay:
    """Carries sealed datagrams and control connections over TLS."""

    def __init__(self, native: _native.Relay) -> None:
        self._native = native

    @classmethod
    async def start(cls, listen: str, certificate: Certificate, bytes_per_second: int | None) -> "NativeRelay":
        """Listens at `IP:PORT`; each client may send so many bytes per second.

        Raises:
            ConfigurationError: the port is taken or not allowed, or the certificate is no good.
        """
        try:
            native = await _native.Relay.start(
                listen, certificate.chain, certificate.key, bytes_per_second=bytes_per_second
            )
        except (OSError, ValueError, _native.NativeError) as error:
            raise ConfigurationError(
                f"the relay cannot listen at {listen}: {error}; see --relay-listen, and --no-relay to do without. "
                "Ports below 1024 need root or CAP_NET_BIND_SERVICE"
            ) from error
        return cls(native)

    @property
    def address(self) -> str:
        """Where it listens, `IP:PORT`."""
        return self._native.address

    @property
    def pin(self) -> bytes:
        """The SHA-256 of its certificate."""
        return bytes.fromhex(self._native.pin)

    def set_admitted(self, keys: Collection[bytes], passes: Collection[str]) -> None:
        """Lets these endpoints and carriers connect from now on, guests with these passes too, and cuts all others."""
        self._native.set_admitted(list(keys), list(passes))

    def counters(self) -> dict[str, int]:
        """Counts what went through."""
        return self._native.counters()

    async def close(self) -> None:
        """Ends all connections."""
        await self._native.close()
