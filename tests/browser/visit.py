"""One page in a browser, and what is wanted of every page: no console error, no other host, little weight, axe."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response

from services.portal.pages.words import Language

Scheme = Literal["light", "dark"]
SIZES = {360: 740, 1280: 900}
#: What axe calls serious or worse; best practices are not among the rules of WCAG.
SERIOUS = frozenset({"serious", "critical"})
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]},
    "resultTypes": ["violations"],
    "iframes": False,  # nothing runs in the frame of a document, and axe would wait for it
}
_WAYS = frozenset({301, 302, 303, 307, 308})
_AXE = "options => window.axe ? axe.run(options).then(found => found.violations) : null"
_SHAPE = """() => ({
  headings: document.querySelectorAll('h1').length,
  language: document.documentElement.lang,
  sideways: document.documentElement.scrollWidth - window.innerWidth,
})"""
_SMALL = """() => [...document.querySelectorAll('button, input:not([type=hidden]), select, summary, .act, nav a')]
  .filter(e => e.offsetParent)
  .filter(e => e.getBoundingClientRect().height < (e.matches('[type=checkbox], [type=radio]') ? 20 : 43.5))
  .map(e => e.outerHTML.slice(0, 120))"""


@dataclass
class Seen:
    """What one page did while it was loaded. ``weight``: bytes over the wire, everything that it brought along;
    ``headers``: of the page itself."""

    errors: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    weight: int = 0
    headers: dict[str, str] = field(default_factory=dict)


class Visit:
    """A browser of one person. Use as a context manager."""

    def __init__(
        self,
        browser: Browser,
        url: str,
        *,
        width: int = 1280,
        scheme: Scheme = "light",
        script: bool = True,
        language: Language = "fr",
        cookies: list[dict[str, Any]] | None = None,
    ) -> None:
        self.url = url
        self.script = script
        self.context: BrowserContext = browser.new_context(
            base_url=url,
            viewport={"width": width, "height": SIZES.get(width, 900)},
            color_scheme=scheme,
            java_script_enabled=script,
            locale=language,
            reduced_motion="reduce",
        )
        self.context.set_default_timeout(60_000)
        if cookies:
            self.context.add_cookies(cookies)  # type: ignore[arg-type]
        self.page: Page = self.context.new_page()
        self.seen = Seen()
        #: Where forms were sent to, by whatever sent them.
        self.sent: list[str] = []
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.seen.errors.append(str(error)))
        self.page.on("request", self._asked)
        self.page.on("response", self._answered)

    def forgetful(self) -> "Visit":
        """Load everything anew at each page, so that many pages can be weighed in one browser."""
        session = self.context.new_cdp_session(self.page)
        session.send("Network.enable")
        session.send("Network.setCacheDisabled", {"cacheDisabled": True})
        self.context.add_init_script(AXE_SCRIPT)  # it weighs half a megabyte: sent once, not to each page
        return self

    def __enter__(self) -> "Visit":
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()

    def open(self, path: str, status: int = 200) -> Page:
        """Go there; what the page before did is forgotten."""
        self._forget()
        return self._arrived(self.page.goto(path), path, status)

    def follow(self, act: Callable[["Visit"], None], status: int = 200) -> Page:
        """Do what leads to another page, which is then looked at as one that was opened."""
        self._forget()
        with self.page.expect_response(self._is_page) as waited:
            act(self)
        answer = waited.value
        self.page.wait_for_load_state()
        return self._arrived(answer, answer.url, status)

    def _forget(self) -> None:
        self.seen.errors.clear()
        self.seen.strangers.clear()
        self.seen.weight = 0

    def _arrived(self, answer: Response | None, path: str, status: int) -> Page:
        assert answer is not None
        assert answer.status == status, f"{path} answered {answer.status}"
        self.seen.headers = answer.headers
        return self.page

    def _is_page(self, answer: Response) -> bool:
        """Whether it is a page of its own, and no way to one."""
        asked = answer.request
        return asked.is_navigation_request() and asked.frame == self.page.main_frame and answer.status not in _WAYS

    def fill(self, **fields: str) -> None:
        """Write into fields by their names."""
        for name, text in fields.items():
            self.page.fill(f"[name={name}]", text)

    def press(self, words: str) -> None:
        """The button with these words, in the page and not in its frame."""
        self.page.locator("main").get_by_role("button", name=words, exact=True).first.click()

    def press_as_it_is(self, words: str) -> None:
        """The same in a browser that checks nothing itself: what is missing is found by the service."""
        self.page.evaluate("document.querySelectorAll('form').forEach(each => each.noValidate = true)")
        self.press(words)

    def title(self) -> str:
        """The page's one main heading."""
        return self.page.locator("h1").inner_text()

    def text(self) -> str:
        """What the page says."""
        return self.page.locator("main").inner_text()

    def serious(self) -> list[str]:
        """What axe finds serious, in one line each."""
        found = self.page.evaluate(_AXE, RULES)
        if found is None:
            self.page.evaluate(AXE_SCRIPT)
            found = self.page.evaluate(_AXE, RULES)
        return [
            f"{each['id']} ({each['impact']}): {each['help']} at {node['target']} {node['html'][:160]}"
            for each in found
            if each["impact"] in SERIOUS
            for node in each["nodes"]
        ]

    def resize(self, width: int) -> None:
        """Another window, without loading the page anew."""
        self.page.set_viewport_size({"width": width, "height": SIZES.get(width, 900)})

    def sideways(self) -> int:
        """By how many pixels the page is wider than the window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))

    def shape(self) -> dict[str, Any]:
        """How many main headings the page has, its language, and as :meth:`sideways`: all at once."""
        return dict(self.page.evaluate(_SHAPE))

    def small_targets(self) -> list[str]:
        """What is to be pressed and lower than 44 pixels, links within a sentence left out."""
        return list(self.page.evaluate(_SMALL))

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            # The answer of a page that is refused on purpose is told as an error too: its status is checked by `open`.
            if "the server responded with a status of" in message.text and message.location["url"] == self.page.url:
                return
            self.seen.errors.append(f"{message.text} ({message.location['url']})")

    def _asked(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if request.method == "POST":
            self.sent.append(parts.path)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != urlsplit(self.url).netloc:
            self.seen.strangers.append(request.url)

    def _answered(self, response: Response) -> None:
        if "event-stream" in response.headers.get("content-type", "") or "/api/v1/pages/" in response.url:
            return  # a feed has no end, and a page is weighed without the picture of its document
        length = response.headers.get("content-length")
        try:
            self.seen.weight += int(length) if length else len(response.body())
        except Exception:  # an answer without a body, such as a redirection
            return
