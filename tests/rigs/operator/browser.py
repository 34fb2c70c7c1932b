"""Debian's Chromium, as an operator uses it: without JavaScript, on a phone or at a desk, by day and by night."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from playwright.sync_api import Browser, BrowserContext, Dialog, Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
SIZES: dict[str, tuple[int, int]] = {"phone": (360, 740), "desk": (1280, 800)}
PAGES = (
    "/",
    "/fleet",
    "/rollouts",
    "/packages",
    "/expiry",
    "/publications",
    "/publications/2",
    "/faults",
    "/statements/delegation",
    "/statements/revocations",
    "/nothing-here",
)
Scheme = Literal["light", "dark"]


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser of its own, until the block ends."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Look:
    """A page, and all that must not have happened while it was looked at."""

    page: Page
    context: BrowserContext
    console: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    def dismiss(self, dialog: Dialog) -> None:
        """Note that a script asked for attention, and let it go on."""
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def tree(self) -> list[dict[str, Any]]:
        """What a screen reader is given: every node of the accessibility tree that is not ignored, in order."""
        nodes = self.context.new_cdp_session(self.page).send("Accessibility.getFullAXTree")["nodes"]
        return [node for node in nodes if not node.get("ignored")]


@contextmanager
def looking(browser: Browser, size: str, scheme: Scheme = "light", *, scripts: bool = False) -> Iterator[Look]:
    """An empty page of this size, until the block ends.

    Args:
        scripts: whether scripts may run, for those who would see what an injected one does.
    """
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, java_script_enabled=scripts, locale="en-GB"
    )
    look = Look(context.new_page(), context)
    look.page.on("console", lambda message: look.console.append(message.text))
    look.page.on("pageerror", lambda error: look.console.append(str(error)))
    look.page.on("request", lambda request: look.asked.append(request.url))
    look.page.on("dialog", look.dismiss)
    try:
        yield look
    finally:
        context.close()


CONTRAST = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const parse = colour => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const over = (top, below) => {
    const a = top[3] / 255;
    return [0, 1, 2].map(i => top[i] * a + below[i] * (1 - a)).concat(255);
  };
  const light = colour => {
    const linear = v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    const [r, g, b] = colour.slice(0, 3).map(v => linear(v / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = element => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) layers.push(parse(getComputedStyle(e).backgroundColor));
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 255]);
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement, style = getComputedStyle(element);
    const isRendered = style.visibility !== 'hidden' && element.getClientRects().length;
    if (!node.data.trim() || element.closest('title, desc') || !isRendered) continue;
    const ground = behind(element);
    const ink = over(parse(element instanceof SVGElement ? style.fill : style.color), ground);
    const [a, b] = [light(ink), light(ground)].sort((x, y) => y - x);
    found.push([(a + 0.05) / (b + 0.05), node.data.trim().slice(0, 40)]);
  }
  return found;
}"""
"""The contrast of every text that is rendered, by the colours that the browser computed (WCAG 2.2, 1.4.3)."""
