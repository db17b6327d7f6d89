"""Who a node is: a secp256k1 key, and the node id that Golem derives from it as Ethereum derives addresses."""

import re
import secrets
from collections.abc import Iterator
from pathlib import Path

from coincurve import PrivateKey, PublicKey
from Crypto.Hash import keccak

from golem_vpn.errors import ConfigurationError, Conflict, InvalidInput
from golem_vpn.net.keyfile import create_secret, read_secret

SIGNATURE_LENGTH = 65
DEFAULT_NAME = "default"

_GROUP_ORDER = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
_NODE_ID = re.compile(r"0x[0-9a-f]{40}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Identity:
    """A key that signs in the name of one node id."""

    def __init__(self, name: str, key: PrivateKey) -> None:
        self.name = name
        self.node_id = _node_id_of(key.public_key)
        self._key = key

    def sign(self, domain: str, message: bytes) -> bytes:
        """Signs a message so that the signature counts in this domain only, and tells who made it."""
        return self._key.sign_recoverable(_digest(domain, message), hasher=None)

    def __repr__(self) -> str:
        return f"Identity({self.name!r}, {self.node_id})"


class Identities:
    """The identities of one daemon, one key file each; the default one is its node id."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._by_node_id: dict[str, Identity] = {}
        try:
            self.default = self._read(self._path(DEFAULT_NAME))
        except FileNotFoundError:
            self.default = self.create(DEFAULT_NAME)
        self._by_node_id[self.default.node_id] = self.default
        for path in sorted(directory.glob("*.key")):
            identity = self._read(path)
            self._by_node_id.setdefault(identity.node_id, identity)

    def create(self, name: str) -> Identity:
        """Makes a new identity and its key file.

        Raises:
            InvalidInput: the name is no file name.
            Conflict: there is an identity of that name.
        """
        if not _NAME.fullmatch(name):
            raise InvalidInput(
                "a name has up to 64 letters, digits, '.', '_' and '-', and begins with a letter or digit"
            )
        key = PrivateKey()
        try:
            create_secret(self._path(name), key.secret.hex())
        except FileExistsError:
            raise Conflict(f"there is an identity named {name!r} already") from None
        identity = Identity(name, key)
        self._by_node_id[identity.node_id] = identity
        return identity

    def find(self, node_id: str) -> Identity | None:
        """Finds the identity of a node id."""
        return self._by_node_id.get(node_id)

    def __contains__(self, node_id: object) -> bool:
        return node_id in self._by_node_id

    def __iter__(self) -> Iterator[Identity]:
        return iter(tuple(self._by_node_id.values()))

    def _path(self, name: str) -> Path:
        return self._directory / f"{name}.key"

    @staticmethod
    def _read(path: Path) -> Identity:
        text = read_secret(path)
        try:
            return Identity(path.stem, PrivateKey(_exactly(bytes.fromhex(text), 32)))
        except ValueError:
            # The cause stays out of the message: it may quote the key.
            raise ConfigurationError(f"{path} holds no secp256k1 key of 64 hex digits") from None


def endpoint_secret(path: Path) -> bytes:
    """Reads the secret key of the control endpoint, or makes one.

    It is a key of its own, not derived from the identity: it can be replaced without becoming another node, and the
    identity's key is needed for signing only, so that it may move into a wallet one day.
    """
    try:
        text = read_secret(path)
    except FileNotFoundError:
        secret = secrets.token_bytes(32)
        create_secret(path, secret.hex())
        return secret
    try:
        return _exactly(bytes.fromhex(text), 32)
    except ValueError:
        raise ConfigurationError(f"{path} holds no endpoint key of 64 hex digits") from None


def verify(node_id: str, domain: str, message: bytes, signature: bytes) -> bool:
    """Tells whether this node id signed this message in this domain."""
    if len(signature) != SIGNATURE_LENGTH or int.from_bytes(signature[32:64]) > _GROUP_ORDER // 2:
        # The mirrored twin of a signature would pass too; there shall be one signature per signing.
        return False
    try:
        key = PublicKey.from_signature_and_message(signature, _digest(domain, message), hasher=None)
    except ValueError:
        return False
    return _node_id_of(key) == node_id


def is_node_id(text: str) -> bool:
    """Tells whether a text is a node id in its one written form."""
    return _NODE_ID.fullmatch(text) is not None


def parse_node_id(text: str) -> str:
    """Reads a node id in any case of letters.

    Raises:
        InvalidInput: it is none.
    """
    node_id = text.lower()
    if not is_node_id(node_id):
        raise InvalidInput(f"a node id is 0x and 40 hex digits, got {text[:64]!r}")
    return node_id


def node_id_bytes(node_id: str) -> bytes:
    """Gives the 20 bytes of a node id."""
    return bytes.fromhex(node_id.removeprefix("0x"))


def _node_id_of(key: PublicKey) -> str:
    point = key.format(compressed=False)[1:]
    return "0x" + _keccak(point)[-20:].hex()


def _digest(domain: str, message: bytes) -> bytes:
    return _keccak(b"golem-vpn\0" + domain.encode() + b"\0" + message)


def _keccak(data: bytes) -> bytes:
    return keccak.new(digest_bits=256, data=data).digest()


def _exactly(data: bytes, length: int) -> bytes:
    if len(data) != length:
        raise ValueError("wrong length")
    return data
