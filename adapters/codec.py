"""Codec: facts to the exact bytes that are stored, and back.

fact ──encode──► (stored name, schema version, UTF-8 JSON)          decimals are JSON numbers
bytes ──decode──► fact, by a decoder prepared for its (name, version); an unknown one is an error
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from domain.core.event import schema_version, stored_name
from domain.ports import StoreUnavailable


class UnknownEvent(StoreUnavailable):
    """The log holds an event that this version of the program cannot read."""


class Codec:
    """Knows every fact in the catalog."""

    def __init__(self, kinds: Mapping[str, type]) -> None:
        """Prepare one decoder for each kind of fact."""
        self._encoder = msgspec.json.Encoder(decimal_format="number")
        self._decoders: dict[tuple[str, int], msgspec.json.Decoder[Any]] = {
            (name, schema_version(kind)): msgspec.json.Decoder(kind, float_hook=Decimal)
            for name, kind in kinds.items()
        }
        self._names = {kind: (name, schema_version(kind)) for name, kind in kinds.items()}

    def encode(self, fact: object) -> tuple[str, int, bytes]:
        """Return the stored name of a fact, its schema version and its bytes."""
        known = self._names.get(type(fact))
        assert known is not None, f"{stored_name(fact)} is not in the catalog"
        name, version = known
        return name, version, self._encoder.encode(fact)

    def decode(self, name: str, version: int, data: bytes) -> Any:
        """Return the fact that was stored. Raises `UnknownEvent` for what it does not know."""
        decoder = self._decoders.get((name, version))
        if decoder is None:
            raise UnknownEvent(
                f"the log holds {name} version {version}, which this program does not know:"
                " run the version that wrote it, or a newer one"
            )
        try:
            return decoder.decode(data)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise UnknownEvent(f"a stored {name} cannot be read: {error}") from error
