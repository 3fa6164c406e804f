"""A page while it is made: who looks, in which language, what may be asked of the services, and how it is answered.

A route takes a :data:`Visit` (anybody) or an :data:`Own` (who has signed in, else the way leads by ``/connexion``) and
returns ``page.render(template, …)`` or, after something was done, ``page.go(path)``.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final
from urllib.parse import quote, unquote, urlencode, urlsplit

import jinja2
from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.common import clock
from services.portal.pages import guard, kept, person, reading, render, spaces, words
from services.portal.pages.assets import Assets
from services.portal.pages.banner import Announced, Banner
from services.portal.pages.call import Answer, Calls
from services.portal.pages.connections import Services
from services.portal.pages.forms import Form
from services.portal.pages.guard import Guard
from services.portal.pages.person import Person
from services.portal.pages.problems import NOT_FOUND, FieldError, Problem, Shown
from services.portal.pages.question import question_of
from services.portal.pages.words import Language, Words
from services.portal.parts import Parts
from services.portal.session_guard import cookie_name

_YEAR: Final = 365 * 86_400
_VISIT: Final = 86_400
#: The cookie with an operator's reason to look into a tenant's invoices, in his session.
REASON: Final = "chorale-reason"
#: The cookie that says what this browser has just done, until the next page has told it.
DONE: Final = "chorale-done"
_DONE_SECONDS: Final = 60
#: Refusals that say what to do: their reader knows already that there is something.
_SAID: Final = frozenset(
    ("FORM_STALE", "CROSS_SITE", "LINK_OVER", "STRUCTURE_LEFT", "LINK_WITHDRAWN", "REASON_REQUIRED")
)


class SignInFirst(Exception):
    """The page is for who has signed in."""


@dataclass
class House:
    """What all pages share. ``there``: the paths that have a page."""

    parts: Parts
    services: Services
    assets: Assets
    guard: Guard
    banner: Banner
    templates: jinja2.Environment = field(default_factory=render.environment)
    there: frozenset[str] = frozenset()


class Page:
    """One page for one browser."""

    def __init__(self, house: House, request: Request, who: Person | None) -> None:
        self.house = house
        self.request = request
        self.person = who
        self.language: Language = words.chosen(request.cookies.get("lang"), request.headers.get("accept-language", ""))
        self.t = Words(self.language)
        self._cookies: list[dict[str, Any]] = []
        self._handed_on: list[str] = []
        self._secret = request.cookies.get(cookie_name(house.parts.settings))
        self._bound: str | None = None
        #: The form that was sent, once it has been read.
        self.sent: Form | None = None
        #: What is announced to everybody now.
        self.announced: tuple[Announced, ...] = ()
        self.call = Calls(
            house.services,
            who,
            host=request.client.host if request.client else None,
            agent=request.headers.get("user-agent", ""),
            cookie=f"{cookie_name(house.parts.settings)}={self._secret}" if self._secret else None,
            traceparent=getattr(request.state, "traceparent", None),
            reason=self._reason() if who is not None and who.has("OPERATEUR") else "",
        )

    def _reason(self) -> str:
        """Why he looks, if he has said so in this session: the next operator at the browser says it himself."""
        word, _, reason = self.request.cookies.get(REASON, "").partition(".")
        right = self.house.guard.right(word, guard.of_session(self.me.signed.id))
        return unquote(reason) if right else ""

    def keep_reason(self, reason: str, *, seconds: int) -> None:
        """Remember why he looks, for this session."""
        word = self.house.guard.word(guard.of_session(self.me.signed.id))
        self.set_cookie(REASON, f"{word}.{quote(reason)}", seconds=seconds)

    @property
    def me(self) -> Person:
        """Who has signed in, on a page for those who have."""
        assert self.person is not None
        return self.person

    def need(self, *roles: str) -> Person:
        """Who looks, if he has one of these roles anywhere; for others the page is not there."""
        if self.person is None or not self.person.has(*roles):
            raise Shown(NOT_FOUND)
        return self.person

    @property
    def path(self) -> str:
        """The address of this page, with what was asked in it."""
        asked = self.request.url.query
        return f"{self.request.url.path}?{asked}" if asked else self.request.url.path

    @property
    def ask_path(self) -> str:
        """Where a person is asked about this page."""
        return question_of(self.request.url.path)

    @property
    def done(self) -> str | None:
        """What has just been done, in words, after a form led here; a link that says so is not believed."""
        code = self.request.query_params.get("fait", "")
        return self.t.get(f"done.{code}") if code and code == self.request.cookies.get(DONE) else None

    # Forms

    async def form(self) -> Form:
        """The form that was sent. Raises ``Shown`` for one that no page of ours showed to this browser, that is too
        heavy, or that stops on its way."""
        data = await reading.whole(self.request, files=self.person is not None)
        self.sent = Form.sent(data)
        self.demand(self.sent.raw(guard.FIELD))
        return self.sent

    def demand(self, word: str) -> None:
        """Raises ``Shown`` for a form whose hidden word no page of ours showed to this browser."""
        guard.demand(self.request, self.house.guard, word, self._bound_to(make=False))

    @property
    def word(self) -> str:
        """The hidden word of forms on this page."""
        bound = self._bound_to(make=True)
        assert bound is not None
        return self.house.guard.word(bound)

    def _bound_to(self, *, make: bool) -> str | None:
        """What forms are bound to: who has signed in, or before that a cookie that the first form brings."""
        if self.person is not None:
            return guard.of_person(self.person.subject)
        name = guard.COOKIE
        found = self._bound or self.request.cookies.get(name)
        if not found and make:
            found = secrets.token_urlsafe(16)
            self.set_cookie(name, found, seconds=_VISIT)
        self._bound = found
        return guard.of_browser(found) if found else None

    # Words

    def said(self, problem: Problem) -> str:
        """A problem in words of this language where there are any, else as the service put it; and when to come
        back."""
        words = self.t.get(f"problem.{problem.code}")
        if words is None:
            return problem.detail or problem.title or self.t("problem.unknown")
        return f"{words} {self.t.wait(problem.wait)}" if problem.busy and problem.wait else words

    def is_french(self, problem: Problem) -> bool:
        """Whether the words of a problem are French on a page that is not."""
        return self.language != "fr" and f"problem.{problem.code}" not in words.catalogue(self.language)

    def wrong(self, error: FieldError) -> str:
        """What is wrong with a field, and what to do."""
        return self.t.get(f"problem.{error.code}") or " ".join(part for part in (error.message, error.action) if part)

    # Answers

    def set_cookie(self, name: str, value: str, *, seconds: int, path: str = "/") -> None:
        """Give the browser a cookie with the answer, which no script reads."""
        self._cookies.append({"key": name, "value": value, "max_age": seconds, "path": path})

    def hand_on(self, answer: Answer) -> None:
        """Hand the cookies on that portal's own API has set: a session, or its end."""
        self._handed_on += answer.cookies

    def render(self, template: str, status: int = 200, **values: Any) -> Response:
        """The page."""
        if DONE in self.request.cookies:
            self.set_cookie(DONE, "", seconds=0)
        listed = spaces.listed(self.person, self.house.there)
        shown: Mapping[str, Any] = {
            "page": self,
            "t": self.t,
            "language": self.language,
            "person": self.person,
            "asset": self.house.assets.url,
            "spaces": listed,
            "space": spaces.current(listed, self.request.url.path),
            **values,
        }
        markup = render.show(self.house.templates, template, shown)
        return self._with_cookies(HTMLResponse(markup, status_code=status))

    def go(self, path: str, done: str | None = None, *, resent: bool = False) -> Response:
        """On to another page, which is then read anew and not sent again; ``resent``: the form goes on to it."""
        if done is not None:
            before, mark, part = path.partition("#")
            path = f"{before}{'&' if '?' in before else '?'}{urlencode({'fait': done})}{mark}{part}"
            self.set_cookie(DONE, done, seconds=_DONE_SECONDS)
        return self._with_cookies(RedirectResponse(path, status_code=307 if resent else 303))

    def refused(self, problem: Problem) -> Response:
        """The page of a problem: what may not be seen looks like what is not there. It keeps what was written."""
        held = None if self._reads else kept.of(self.sent, self.request.url.path, problem)
        if problem.code == "REASON_REQUIRED" and (held is None or not held.texts):
            return self.go(f"/factures/motif?suite={quote(self.path if self._reads else self.came_from, safe='/')}")
        if problem.status in (403, 404, 410) and problem.code not in _SAID:
            problem = NOT_FOUND
        if problem.status == 401 and held is None:
            return self.go(sign_in_for(self.path if self._reads else self.came_from))
        self.call.busy = None  # said by the page itself
        response = self.render("error.html", status=problem.status, problem=problem, kept=held)
        if problem.wait is not None:
            response.headers["Retry-After"] = str(problem.wait)
        if held is not None:  # what somebody wrote is his, were his session over
            response.headers["Cache-Control"] = "private, no-store"
        return response

    @property
    def _reads(self) -> bool:
        return self.request.method == "GET"

    @property
    def came_from(self) -> str:
        """The page with the form that was sent, as the browser says; else the first page."""
        parts = urlsplit(self.request.headers.get("referer", ""))
        if f"{parts.scheme}://{parts.netloc}" != self.house.parts.settings.origin:
            return "/"
        return local(f"{parts.path}?{parts.query}" if parts.query else parts.path)

    def _with_cookies(self, response: Response) -> Response:
        secure = self.house.parts.settings.secure
        for each in self._cookies:
            response.set_cookie(**each, httponly=True, secure=secure, samesite="lax")
        for raw in self._handed_on:
            response.headers.append("Set-Cookie", raw)
        return response

    def choose(self, language: Language) -> None:
        """Remember the language for a year."""
        self.set_cookie("lang", language, seconds=_YEAR)


def local(path: str | None, default: str = "/") -> str:
    """A way within the platform, whatever was asked for."""
    if not path or not path.startswith("/") or path.startswith("//") or "\\" in path:
        return default
    parts = urlsplit(path)
    odd = any(ord(letter) < 33 for letter in path)
    return default if parts.scheme or parts.netloc or odd else path


def sign_in_for(path: str) -> str:
    """Where one signs in, to come back to ``path``."""
    return "/connexion" if path == "/" else f"/connexion?suite={quote(path, safe='/')}"


def house_of(request: Request) -> House:
    """What all pages share."""
    found = request.app.state.house
    assert isinstance(found, House)
    return found


async def visit(request: Request) -> Page:
    """FastAPI dependency: a page for anybody."""
    house = house_of(request)
    settings = house.parts.settings
    secret = request.cookies.get(cookie_name(settings))
    who = await person.find(house.parts.pool, secret, clock.now(), settings)
    page = Page(house, request, who)
    page.announced = await house.banner.now(who.tenants if who is not None else ())
    request.state.page = page
    return page


async def own(page: Annotated[Page, Depends(visit)]) -> Page:
    """FastAPI dependency: a page for who has signed in."""
    if page.person is None:
        raise SignInFirst
    return page


Visit = Annotated[Page, Depends(visit)]
Own = Annotated[Page, Depends(own)]
