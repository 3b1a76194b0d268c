# SPDX-License-Identifier: EUPL-1.2
"""A browser page under watch: every sign that a document did something.

Signs are: the canary called, a dialog, a request to anywhere but the site, a navigation nobody asked for,
a new window, a download, a frame. What the policy of the page stopped is counted apart: it did nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from playwright.sync_api import Dialog, Page, Request

# Everything a person could do on a page but follow its own links: hover, focus, click, open, wait.
HANDLING = """() => {
    for (const one of document.querySelectorAll("details")) one.open = true;
    for (const one of document.querySelectorAll("body, body *")) {
        for (const name of ["mouseover", "mouseenter", "focus", "focusin", "pointerdown", "keydown",
                            "animationstart", "toggle", "load", "error", "start", "begin"])
            one.dispatchEvent(new Event(name, {bubbles: true, cancelable: true}));
        const link = one.closest("a[href]");
        if (!one.closest("header, footer, nav") && !one.closest("button, summary")
            && (link === null || !/^https?:/.test(link.protocol)))
            one.dispatchEvent(new MouseEvent("click", {bubbles: true, cancelable: true}));
    }
}"""


@dataclass
class Watched:
    """A page, and what happened on it."""

    page: Page
    address: str  # of the site
    signs: list[str] = field(default_factory=list)
    stopped: int = 0  # by the policy of the page
    navigations: int = 0

    def __post_init__(self) -> None:
        page = self.page
        page.context.expose_binding("__canary", lambda source, *_: self._sign("canary", source))
        page.on("dialog", self._dialog)
        page.on("popup", lambda opened: self._sign("window", opened.url))
        page.on("download", lambda download: self._sign("download", download.url))
        page.on("frameattached", lambda frame: self._sign("frame", frame.name))
        page.on("request", self._request)
        page.on("requestfailed", self._failed)
        page.on("framenavigated", self._navigated)
        page.on("console", lambda said: self._console(said.text))

    def _sign(self, kind: str, what: object = "") -> None:
        self.signs.append(f"{kind}: {str(what)[:200]}")

    def _dialog(self, dialog: Dialog) -> None:
        self._sign("dialog", dialog.type)
        dialog.dismiss()

    def _request(self, request: Request) -> None:
        if not request.url.startswith((f"{self.address}/", "data:")):
            self._sign("request", request.url)

    def _failed(self, request: Request) -> None:
        """What the policy stopped before it left is told as a request all the same."""
        sign = f"request: {request.url[:200]}"
        if request.failure and "csp" in request.failure.lower() and sign in self.signs:
            self.signs.remove(sign)

    def _navigated(self, _: object) -> None:
        self.navigations += 1

    def _console(self, text: str) -> None:
        if "Content Security Policy" in text or "Content-Security-Policy" in text:
            self.stopped += 1

    def see(self, path: str) -> list[str]:
        """Go there, do all one can do; what happened, nothing when all is well."""
        self.signs.clear()
        self.navigations = 0
        answer = self.page.goto(path)
        if answer is None or answer.status >= 500:
            self._sign("answer", answer and answer.status)
        self.page.evaluate(HANDLING)
        self.page.evaluate("() => new Promise(done => setTimeout(done, 0))")
        if self.navigations != 1:
            self._sign("navigation", self.page.url)
        return list(self.signs)
