"""The operator's page in a real browser: on a phone, by keyboard, by screen reader, and under attack (SPEC HT-6)."""

from itertools import pairwise

import pytest
from playwright.sync_api import Browser

from tests.rigs.operator.browser import CONTRAST, PAGES, SIZES, Look, Scheme, looking
from tests.rigs.operator.scene import HOSTILE

LEAST_CONTRAST = 4.5
LEAST_OUTLINE = 2  # CSS pixels


def go(look: Look, url: str, path: str) -> None:
    """Load a page, and all that it asks for."""
    answer = look.page.goto(url + path)
    assert answer is not None
    assert answer.status == (404 if path == "/nothing-here" else 200)


@pytest.mark.parametrize("size", SIZES)
def test_every_page_fits_and_asks_nobody_else(browser: Browser, page_url: str, size: str) -> None:
    """HT-6: no page is wider than the screen, none runs a script, asks another host, or makes the browser complain."""
    with looking(browser, size) as look:
        for path in PAGES:
            go(look, page_url, path)
            wide = look.page.evaluate(
                "() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
            )
            assert wide[0] <= wide[1], (path, wide)
            out = look.page.evaluate(
                """() => [...document.querySelectorAll('main *')].filter(e => {
                  const box = e.getBoundingClientRect();
                  const isOut = box.right > innerWidth + 1 || box.left < -1;
                  return box.width && isOut && !e.closest('.unseen, thead, caption, svg');
                }).map(e => e.outerHTML.slice(0, 80))"""
            )
            assert out == [], path
            assert look.page.locator("script, iframe, object, embed, form, [style], [onclick]").count() == 0
        complaints = [words for words in look.console if "404 (" not in words]
        assert (complaints, look.dialogs) == ([], [])
        assert {url.rsplit("/", 1)[0] for url in look.asked if not url.startswith(page_url + "/")} == set()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(browser: Browser, page_url: str, scheme: Scheme) -> None:
    """HT-6: a contrast of 4.5 at least, of every rendered text, by day and by night (WCAG 2.2, 1.4.3)."""
    seen = 0
    with looking(browser, "desk", scheme) as look:
        for path in PAGES:
            go(look, page_url, path)
            for ratio, words in look.page.evaluate(CONTRAST):
                assert ratio >= LEAST_CONTRAST, (path, words, ratio)
                seen += 1
        ground = look.page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert seen > 500
    assert ground == {"light": "rgb(246, 245, 242)", "dark": "rgb(19, 23, 26)"}[scheme]


@pytest.mark.parametrize("size", SIZES)
def test_a_screen_reader_finds_its_way(browser: Browser, page_url: str, size: str) -> None:
    """HT-6: landmarks, headings in order, a name for each table, link and picture; on a phone too."""
    with looking(browser, size) as look:
        for path in PAGES:
            go(look, page_url, path)
            nodes = look.tree()
            roles = [node["role"]["value"] for node in nodes]
            assert [roles.count(one) for one in ("main", "banner", "contentinfo")] == [1, 1, 1], path
            levels = [
                next(p["value"]["value"] for p in node["properties"] if p["name"] == "level")
                for node in nodes
                if node["role"]["value"] == "heading"
            ]
            assert levels[0] == 1
            assert levels.count(1) == 1
            assert all(after <= before + 1 for before, after in pairwise(levels)), (path, levels)
            for node in nodes:
                if node["role"]["value"] in ("table", "link", "navigation", "img", "image", "heading", "columnheader"):
                    assert node["name"]["value"].strip(), (path, node["role"]["value"])
            tables = look.page.locator("table").count()
            assert roles.count("table") == tables - look.page.locator("details:not([open]) table").count(), path
            names = [n["name"]["value"] for n in nodes if n["role"]["value"] == "navigation"]
            assert names[0] == "Pages"
            assert len(set(names)) == len(names)


def test_each_picture_has_its_numbers_in_a_table(browser: Browser, page_url: str) -> None:
    """HT-6: what a curve shows stands below it as text, which opens by keyboard and without a script."""
    with looking(browser, "desk") as look:
        go(look, page_url, "/rollouts")
        figures = look.page.locator("figure")
        assert figures.count() == 3
        for at in range(figures.count()):
            figure = figures.nth(at)
            assert figure.locator("svg[role=img] > title").inner_html().strip()
            figure.locator("summary").press("Enter")
            rows = figure.locator("tbody tr")
            assert rows.count() >= 10
            last = rows.last.inner_text()
            for line in figure.locator(".key li").all_inner_texts():
                assert line.split(maxsplit=1)[1].strip() in last.replace("\u202f", " ")


def test_a_keyboard_is_enough(browser: Browser, page_url: str) -> None:
    """HT-6: the skip link comes first, then everything that can be followed, in order, each with its focus in sight."""
    with looking(browser, "desk") as look:
        go(look, page_url, "/packages")
        where = """() => { const e = document.activeElement, s = getComputedStyle(e), b = e.getBoundingClientRect();
          return [e.tagName, e.textContent.trim(), s.outlineStyle, parseFloat(s.outlineWidth),
                  b.top >= 0 && b.bottom <= innerHeight + 1]; }"""
        look.page.keyboard.press("Tab")
        assert look.page.evaluate(where)[:2] == ["A", "Skip to the content"]
        wanted = look.page.locator("a").count()
        seen = []
        for _ in range(wanted):
            tag, words, style, width, inside = look.page.evaluate(where)
            assert (tag, style) == ("A", "solid"), words
            assert width >= LEAST_OUTLINE
            assert inside, words
            seen.append(words)
            look.page.keyboard.press("Tab")
        assert len(seen) == wanted
        assert seen[3:8] == ["Overview", "Fleet", "Rollouts", "Packages", "Expiry"]
        go(look, page_url, "/packages")
        look.page.keyboard.press("Tab")
        look.page.keyboard.press("Enter")
        look.page.keyboard.press("Tab")
        assert look.page.evaluate("() => document.activeElement.closest('main') !== null")


@pytest.mark.parametrize("scripts", [False, True], ids=["as it is meant", "with scripts on"])
def test_what_devices_and_brands_say_stays_text(browser: Browser, page_url: str, scripts: bool) -> None:
    """HT-6: the worst that a report or a revocation may hold is shown letter by letter, and does nothing."""
    with looking(browser, "phone", scripts=scripts) as look:
        for path, place in (("/rollouts", "q"), ("/statements/revocations", "td")):
            go(look, page_url, path)
            assert any(HOSTILE in words for words in look.page.locator(place).all_text_contents()), path
            assert look.page.locator("img, script, [onerror], b").count() == 0
        assert look.dialogs == []


def test_a_script_that_got_in_would_not_run(browser: Browser, page_url: str) -> None:
    """HT-6: the policy stops it too, if ever the escaping failed: nothing inline, and nothing from elsewhere."""
    with looking(browser, "desk", scripts=True) as look:
        go(look, page_url, "/")
        look.page.evaluate(
            """() => { const e = document.createElement('div');
              e.innerHTML = '<img src="https://example.org/x.png" onerror="document.title=1">';
              const s = document.createElement('script');
              s.textContent = 'document.title = 2';
              document.body.append(e, s); }"""
        )
        look.page.wait_for_timeout(200)
        assert look.page.title() not in ("1", "2")
        assert any("Content Security Policy" in words for words in look.console)
        assert all(url.startswith(page_url) or "example.org" in url for url in look.asked)
