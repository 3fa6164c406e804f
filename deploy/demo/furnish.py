"""Furnishes ``make up``: an account for each role, a year behind them, and what lies on their tables today.

Only of a stack that this machine started for itself, whose mails end in its own inbox: never of servers that were
given, and never outside development. What is there already is not made again.
"""

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final

from deploy.demo.accounts import Opening
from deploy.demo.book import Book, otpauth
from deploy.demo.desk import Desk
from deploy.demo.history import Year
from deploy.demo.hooks import OWNER, hook
from deploy.demo.parked import park
from deploy.demo.people import OPERATOR, PASSWORD, PEOPLE
from deploy.demo.today import Today
from deploy.local import Stack
from deploy.servers.errors import StackError
from deploy.servers.given import Given
from invoice.clock import PARIS

CLOCK: Final = "clock"
_YEAR: Final = "year"


def may(stack: Stack) -> bool:
    """Whether this stack is one of the demo's own: no server of it was given by the environment."""
    if any(isinstance(server, Given) for server in stack.servers.all()):
        return False
    return stack.environment("portal")["CHORALE_ENVIRONMENT"] == "development"


def furnish(stack: Stack, say: Callable[[str], None], *, past: bool = True) -> Book:
    """Make what is missing; returns the book of accounts. Without ``past`` there are people and no year behind them."""
    began, book = time.monotonic(), Book(stack.workspace.folder)
    with Desk(stack) as desk:
        Opening(desk, book, datetime.now(PARIS)).all()
        say(f"comptes de démonstration : {len(book.kept.accounts)} ({time.monotonic() - began:.1f} s)")
        if past:
            _once(book, _YEAR, lambda: _year(stack, book, say), say)
        _once(book, "today", lambda: Today(desk, book).all(), say)
        _once(book, "parked", lambda: park(stack), say)
        try:
            hook(desk, book)
        except StackError:
            # The account belongs to whoever tries the demo: with another password, or a second factor, he has it alone.
            say(f"webhook de démonstration : laissé tel quel, le compte « {OWNER} » ne s'ouvre plus comme au début")
    return book


def _year(stack: Stack, book: Book, say: Callable[[str], None]) -> None:
    year = Year(stack, book, stack.workspace.folder / CLOCK, say)
    for fault in year.play():
        say(f"  autrement qu'écrit : {fault}")


def _once(book: Book, step: str, work: Callable[[], None], say: Callable[[str], None]) -> None:
    state = book.kept.steps.get(step)
    if state == "done":
        return
    if state == "begun" and step == _YEAR:
        say("données de démonstration : le premier démarrage a été interrompu, il en manque ; `make reset` les refait")
        return
    began = time.monotonic()
    book.mark(step, "begun")
    work()
    book.mark(step, "done")
    say(f"données de démonstration, {_NAMES[step]} : {time.monotonic() - began:.1f} s")


_NAMES: Final = {"year": "une année de factures", "today": "ce qui attend aujourd'hui", "parked": "lettres mortes"}


def lines(book: Book, url: str) -> Iterator[str]:
    """Who may sign in, and with what."""
    yield f"Comptes de démonstration, sur {url}/connexion (mot de passe de tous : {PASSWORD}) :"
    for person in (*PEOPLE, OPERATOR):
        account = book.kept.accounts[person.key]
        yield f"  {person.email:<42} {person.label}"
        if account.totp:
            yield f"  {'':<42}   second facteur : make code WHO={person.key}"
            yield f"  {'':<42}   {otpauth(account.totp, person.email)}"
    software = book.kept.software
    if software is not None:
        yield f"Logiciel de facturation : client_id {software.client_id}"
        yield f"  client_secret {software.client_secret} (POST {url}/api/v1/oauth/token)"
