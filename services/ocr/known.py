"""Which recipients a reader knows, from a directory file: one that is known is a surer one."""

from collections.abc import Callable

from invoice.directory_file import parse

#: Whether a SIRET is that of a public structure of the directory.
Known = Callable[[str], bool]


def known_from(file: bytes) -> Known:
    """The structures of a directory file. Raises :class:`invoice.directory_file.InvalidDirectory`."""
    return frozenset(structure.siret for structure in parse(file).structures).__contains__
