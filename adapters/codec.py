"""Codec: facts to the exact bytes that are stored, and back.

fact ──encode──► (stored name, schema version, UTF-8 JSON)          decimals are JSON numbers
bytes ──decode──► fact, by a decoder prepared for what is written today
      ──upcast──► what an older version means today: no fact, one or several
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec

from domain.core.event import schema_version, stored_name
from domain.core.upcast import Upcaster, Upcasters
from domain.ports import StoreUnavailable

_PLAIN: Final = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)
BROKEN: Final = (msgspec.MsgspecError, UnicodeDecodeError)
"""What a decoder raises for bytes that make no fact."""


class UnknownEvent(StoreUnavailable):
    """The log holds an event that this version of the program cannot read."""


def unreadable(name: str, error: Exception) -> UnknownEvent:
    """Return the error for stored bytes that make no fact."""
    return UnknownEvent(f"a stored {name} cannot be read: {error}")


class Codec:
    """Knows every fact in the catalog, and how older versions of them are lifted."""

    def __init__(self, kinds: Mapping[str, type], upcasters: Iterable[Upcaster] = ()) -> None:
        """Prepare one decoder for each kind of fact."""
        self._encoder = msgspec.json.Encoder(decimal_format="number")
        self._kinds = kinds
        self.decoders: Final[Mapping[tuple[str, int], Callable[[bytes], Any]]] = {
            (name, schema_version(kind)): msgspec.json.Decoder(kind, float_hook=Decimal).decode
            for name, kind in kinds.items()
        }
        """For each name and version that is written today; they raise what is in `BROKEN`."""
        self._names = {kind: (name, schema_version(kind)) for name, kind in kinds.items()}
        self._upcasters = Upcasters(dict(self._names.values()), upcasters)

    def encode(self, fact: object) -> tuple[str, int, bytes]:
        """Return the stored name of a fact, its schema version and its bytes."""
        known = self._names.get(type(fact))
        assert known is not None, f"{stored_name(fact)} is not in the catalog"
        name, version = known
        return name, version, self._encoder.encode(fact)

    def facts(self, name: str, version: int, data: bytes) -> Iterator[tuple[str, int, Any]]:
        """Yield what stored bytes of any version stand for today: names, versions and facts.

        Raises `UnknownEvent` for what it does not know, for bytes that make no such fact, and for
        what an upcaster stumbles over.
        """
        if objection := self.objection(name, version):
            raise UnknownEvent(f"the log holds {objection}")
        if decode := self.decoders.get((name, version)):
            try:
                yield name, version, decode(data)
            except BROKEN as error:
                raise unreadable(name, error) from error
        else:
            yield from self._lifted(name, version, data)

    def objection(self, name: str, version: int) -> str:
        """Say why stored events of a name and version cannot be read; nothing if they can."""
        return self._upcasters.objection(name, version)

    def _lifted(self, name: str, version: int, data: bytes) -> Iterator[tuple[str, int, Any]]:
        try:
            for today, number, fields in self._upcasters.lift(name, version, _PLAIN.decode(data)):
                yield today, number, msgspec.convert(fields, self._kinds[today])
        except Exception as error:  # an upcaster is any code; whatever it raises, nothing is read
            raise UnknownEvent(
                f"a stored {name} version {version} cannot be lifted: {error!r}"
            ) from error
