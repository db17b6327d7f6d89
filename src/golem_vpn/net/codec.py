"""Reading of bytes that others sent: whatever is wrong with them is one error."""

from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")


class Malformed(Exception):
    """The bytes are not what was expected; the text says where."""


class Reader(Generic[T]):
    """Reads msgpack of one type."""

    def __init__(self, kind: type[T]) -> None:
        self._decoder = msgspec.msgpack.Decoder(kind)

    def read(self, data: bytes | msgspec.Raw) -> T:
        """Reads one value, which must take up all the bytes.

        Raises:
            Malformed: they hold no such value.
        """
        try:
            return self._decoder.decode(data)
        # A text that is no UTF-8 comes as an error of its own.
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Malformed(str(error)) from None
