"""Chance that depends on the seed and on a name alone, so that one person can be drawn without all others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, TypeVar, overload

T = TypeVar("T")

_SLOTS: Final = 16
_BYTES: Final = 4
_RANGE: Final = 1 << 8 * _BYTES


@dataclass(frozen=True, slots=True)
class Draw:
    """Sixteen numbers of one thing of an estate."""

    _octets: bytes

    def share(self, slot: int) -> float:
        """Return a number from 0 up to 1; ``slot`` is 0 to 15."""
        at = slot * _BYTES
        return int.from_bytes(self._octets[at : at + _BYTES]) / _RANGE

    def between(self, slot: int, low: float, high: float) -> float:
        """Return a number from ``low`` up to ``high``."""
        return low + (high - low) * self.share(slot)

    def pick(self, slot: int, weighted: Sequence[tuple[float, T]]) -> T:
        """Return one of the things by its weight; the weights add up to 1, and the last one takes what is left."""
        left = self.share(slot)
        for weight, thing in weighted:
            if left < weight:
                return thing
            left -= weight
        return weighted[-1][1]


def draw(seed: int, name: str) -> Draw:
    """Draw for one thing; equal seeds and names give equal numbers on every machine."""
    return Draw(blake2b(f"{seed}/{name}".encode(), digest_size=_SLOTS * _BYTES).digest())


class Lazily(Sequence[T]):
    """A list whose items are made when they are looked at, and kept only once somebody wants to change one."""

    def __init__(self, make: Callable[[int], T], size: int) -> None:
        """Hold ``size`` items; ``make`` gives equal ones whenever it is called."""
        self._make = make
        self._size = size
        self._kept: dict[int, T] = {}

    def keep(self, index: int) -> T:
        """Return the item that stands at ``index`` from now on, for changing it."""
        if index not in self._kept:
            self._kept[index] = self._make(index)
        return self._kept[index]

    def renew(self, index: int) -> T:
        """Undo every change of an item, and return it for changing it."""
        self._kept.pop(index, None)
        return self.keep(index)

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...

    def __getitem__(self, index: int | slice) -> T | Sequence[T]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(self._size))]
        if not -self._size <= index < self._size:
            raise IndexError(index)
        at = index % self._size
        kept = self._kept.get(at)
        return self._make(at) if kept is None else kept

    def __iter__(self) -> Iterator[T]:
        return (self[at] for at in range(self._size))
