"""So many mails a second to one domain, and no more: each mail beyond waits for the turn that is kept for it."""

from collections.abc import Mapping


class Throttle:
    """``default`` mails a second to each domain, ``rates`` where a domain wants another; 0 is without limit."""

    def __init__(self, default: float, rates: Mapping[str, float]) -> None:
        self._default = default
        self._rates = dict(rates)
        self._next: dict[tuple[str, bool], float] = {}

    def wait(self, address: str, now: float, *, legal: bool = False) -> float:
        """Seconds until this mail's turn, which is taken by asking; 0: now. ``now`` in monotonic seconds.

        A domain may take a second's worth at once before its mails are spread. Mandatory notices have turns of their
        own before the optional mail that waits for the same domain, which makes room for them from then on.
        """
        domain = address.rpartition("@")[2]
        rate = self._rates.get(domain, self._default)
        if rate <= 0:
            return 0.0
        turn = max(self._next.get((domain, legal), 0.0), now - 1.0)
        for queue in {legal, False}:
            self._next[domain, queue] = max(self._next.get((domain, queue), 0.0), now - 1.0) + 1.0 / rate
        if len(self._next) > 10_000:
            self._next = {name: at for name, at in self._next.items() if at > now - 1.0}
        return max(0.0, turn - now)
