"""The one error of everything that starts."""


class StackError(Exception):
    """One sentence for a person: what could not start or stop, why, and what to type."""
