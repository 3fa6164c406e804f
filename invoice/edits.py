"""How far two texts are apart, and which of many are next to one."""

from collections.abc import Collection

MANY = 800  # above that it is cheaper to make every text one edit away and look it up
_SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-_./"


def one_edit(one: str, other: str) -> bool:
    """Whether two texts differ by one sign: wrong, missing, too many, or two neighbours swapped."""
    if len(one) > len(other):
        one, other = other, one
    if len(other) - len(one) > 1 or one == other:
        return False
    at = 0
    while at < len(one) and one[at] == other[at]:
        at += 1
    if len(one) < len(other):
        return one[at:] == other[at + 1 :]
    if one[at + 1 :] == other[at + 1 :]:
        return True
    return one[at : at + 2] == other[at : at + 2][::-1] and one[at + 2 :] == other[at + 2 :]


def next_to(wanted: str, keys: Collection[str]) -> list[str]:
    """The keys one edit away from a text, sorted. ``keys`` must be quick to ask, as a dict is.

    Among many keys only the usual signs of codes, and those of the text itself, are tried in place of another.
    """
    if len(keys) <= MANY:
        size = len(wanted)
        return sorted(key for key in keys if -2 < len(key) - size < 2 and one_edit(wanted, key))
    signs = {*_SIGNS, *wanted}
    found: set[str] = set()
    for at in range(len(wanted) + 1):
        before, after = wanted[:at], wanted[at:]
        found.update(key for sign in signs if (key := before + sign + after) in keys)
        if after:
            found.update(key for sign in signs if (key := before + sign + after[1:]) in keys)
            found.update(
                key for key in (before + after[1:], before + after[1:2] + after[:1] + after[2:]) if key in keys
            )
    return sorted(found - {wanted})
