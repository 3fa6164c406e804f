"""The services of one structure by their normalised code, as the rules look them up."""

from collections.abc import Iterable, Mapping
from datetime import date

from invoice.directory import Service, Structure
from invoice.identifiers import normalise_code


class ServiceIndex(dict[str, Service]):
    """Services by normalised code. It remembers which were open on the last day asked: a body may have thousands."""

    _day: date | None = None
    _open: Mapping[str, Service] = {}

    def open_on(self, day: date) -> Mapping[str, Service]:
        """The services that can be addressed on a day, sorted by their code."""
        if self._day != day:
            self._open, self._day = _open_services(self, day), day
        return self._open


def index_services(services: Iterable[Service]) -> ServiceIndex:
    """The services of one structure, as :func:`invoice.addressing.decide` wants them."""
    return ServiceIndex((normalise_code(service.code), service) for service in services)


def open_services(services: Mapping[str, Service], day: date) -> Mapping[str, Service]:
    """The services that can be addressed on a day, by normalised code and sorted by their code."""
    return services.open_on(day) if isinstance(services, ServiceIndex) else _open_services(services, day)


def open_on(entry: Service | Structure, day: date) -> bool:
    """Whether a service or a structure can be addressed on a day: active and within its dates."""
    started = entry.valid_from is None or entry.valid_from <= day
    return entry.active and started and (entry.valid_to is None or day <= entry.valid_to)


def _open_services(services: Mapping[str, Service], day: date) -> Mapping[str, Service]:
    found = [pair for pair in services.items() if open_on(pair[1], day)]
    return dict(sorted(found, key=lambda pair: pair[1].code))
