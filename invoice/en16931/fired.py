"""What a run of the rules finds: each rule that does not hold, with the first place where it does not."""

from invoice.syntax.elements import Element


class Fired:
    """The codes that fired, in the order in which they did, each with the element it fired on."""

    __slots__ = ("places",)

    def __init__(self) -> None:
        self.places: dict[str, Element] = {}

    def add(self, code: str, where: Element) -> None:
        """A rule does not hold at an element; only its first place is kept."""
        if code not in self.places:
            self.places[code] = where
