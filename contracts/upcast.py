"""Reading yesterday's events: each up-caster lifts one retired major version to the next one."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from contracts.codec import BadValue, Codec
from contracts.events import BY_TYPE, Payload

Upcast = Callable[[dict[str, Any]], dict[str, Any]]


class Upcasters:
    """A chain of pure functions from an old type's JSON object to the next type's.

    ``current`` maps the types that have a struct today; a retired type is lifted step by step until it reaches one.
    """

    def __init__(self, current: Mapping[str, type[Payload]]) -> None:
        self._codecs: dict[str, Codec[Payload]] = {name: Codec(struct) for name, struct in current.items()}
        self._steps: dict[str, tuple[str, Upcast]] = {}

    def register(self, old: str, new: str, step: Upcast) -> None:
        """Teach the step from ``old`` to ``new``.

        Raises ``ValueError`` if ``old`` has a struct (it would never be lifted), has a step already, or if the chain
        would come back to ``old``.
        """
        if old in self._codecs:
            raise ValueError(f"{old} has a struct: retire it from contracts/events.py first")
        if old in self._steps:
            raise ValueError(f"{old} has an up-caster already")
        reached = new
        while reached != old and reached in self._steps:
            reached = self._steps[reached][0]
        if reached == old:
            raise ValueError(f"the up-casters from {old} come back to it")
        self._steps[old] = (new, step)

    def target(self, event_type: str) -> str | None:
        """The current type that ``event_type`` is read as (itself when it is current), ``None`` when unknown."""
        while event_type not in self._codecs:
            if event_type not in self._steps:
                return None
            event_type = self._steps[event_type][0]
        return event_type

    def retired(self) -> dict[str, str]:
        """Every retired type that can still be read, with the type of its next step, sorted."""
        return {old: self._steps[old][0] for old in sorted(self._steps) if self.target(old)}

    def decode(self, event_type: str, value: bytes) -> Payload:
        """Lift and validate.

        Raises ``KeyError`` when no chain leads to a current type, :class:`contracts.codec.BadValue` when the data
        do not fit theirs.
        """
        codec = self._codecs.get(event_type)
        if codec is not None:
            return codec.decode(value)
        target = self.target(event_type)
        if target is None:
            raise KeyError(event_type)
        return self._codecs[target].decode(self._lift(event_type, target, value))

    def _lift(self, event_type: str, target: str, value: bytes) -> bytes:
        try:
            data = msgspec.json.decode(value, type=dict[str, Any])
            while event_type != target:
                event_type, step = self._steps[event_type]
                data = step(data)
            return msgspec.json.encode(data)
        # A step runs on foreign data, so whatever it raises means that these data are not of the old type.
        except Exception as error:
            raise BadValue(f"up-casting towards {event_type}: {type(error).__name__}") from error


UPCASTERS = Upcasters(BY_TYPE)
