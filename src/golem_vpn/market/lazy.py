"""`functools.cached_property` without its lock, which in Python 3.11 takes longer than what is computed here."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class lazy(Generic[T]):
    """Makes a method an attribute that is computed once, on first use; for one thread only."""

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self._compute = compute
        self._name = compute.__name__
        self.__doc__ = compute.__doc__

    def __get__(self, instance: Any, _owner: type) -> T:
        # Whatever is in the instance's own dictionary is found before this is asked again.
        value = instance.__dict__[self._name] = self._compute(instance)
        return value
