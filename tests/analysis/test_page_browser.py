"""The page in a real browser: no script of a sample runs, nothing is loaded, filters work, both schemes, paper."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from lazaretto.analysis.outputs import publish
from lazaretto.testing.reports import example

# Nothing but the page: no look for updates, no first-run pages.
SWITCHES = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


Files = dict[bool, Path]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        message = "chromium is not installed"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=SWITCHES)
        yield started
        started.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """The page of a plain (False) and of a hostile report (True)."""
    made = {}
    for hostile in (False, True):
        folder = tmp_path_factory.mktemp("report")
        publish(example(folder, hostile=hostile), folder)
        made[hostile] = folder / "report.html"
    return made


class Opened:
    """A page with all that it said and asked for."""

    def __init__(self, browser: Browser, file: Path, scheme: str = "light", width: int = 1280) -> None:
        self.context = browser.new_context(
            color_scheme=scheme,  # type: ignore[arg-type]  # one of two words
            viewport={"width": width, "height": 900},
            offline=True,
        )
        self.page: Page = self.context.new_page()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.said.append(dialog.message), dialog.dismiss()))
        self.stopped: dict[str, str | None] = {}
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("requestfailed", lambda request: self.stopped.update({request.url: request.failure}))
        self.page.goto(file.as_uri())

    def close(self) -> None:
        self.context.close()


@pytest.fixture
def opened(browser: Browser, files: Files) -> Iterator[Opened]:
    page = Opened(browser, files[False])
    yield page
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_script_of_a_sample_runs_and_nothing_is_loaded(browser: Browser, files: Files, scheme: str) -> None:
    opened = Opened(browser, files[True], scheme)
    page = opened.page
    for element in page.query_selector_all("summary, button, select, td, li, h1"):
        element.dispatch_event("mouseover")
    page.query_selector("summary").click()  # type: ignore[union-attr]  # it is there
    page.fill("input[name=text]", "<script>")
    page.wait_for_timeout(200)
    assert page.title().startswith("malicious: ")
    assert opened.said == []  # a policy that was broken would be told, too
    assert [url for url in opened.asked if not url.startswith(("file:", "data:"))] == []
    assert page.evaluate("document.scripts.length") == 1
    assert (
        page.evaluate("document.querySelectorAll('[onload],[onerror],[onmouseover],iframe,object,embed').length") == 0
    )
    assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
    opened.close()


def test_the_policy_stops_what_should_ever_get_in(opened: Opened) -> None:
    """Even markup that got past the escaping would run nothing."""
    opened.page.evaluate(
        """() => {
            const place = document.createElement("div");
            place.innerHTML = "<img src=x onerror=\\"document.title='taken'\\"><img src='http://a.test/x.png'>";
            document.body.append(place);
            const script = document.createElement("script");
            script.textContent = "document.title = 'taken'";
            document.body.append(script);
        }"""
    )
    opened.page.wait_for_timeout(200)
    assert opened.page.title() == "malicious: Rechnung.zip"
    assert opened.stopped["http://a.test/x.png"] == "csp"
    assert any("Content Security Policy" in text for text in opened.said)


def shown(page: Page) -> list[str]:
    return page.eval_on_selector_all(".timeline tbody tr", "rows => rows.filter(r => !r.hidden).map(r => r.innerText)")  # type: ignore[no-any-return]  # of the page's script


def test_the_timeline_can_be_filtered(opened: Opened) -> None:
    page = opened.page
    rows = page.locator(".timeline tbody tr").count()
    begin = shown(page)
    assert 0 < len(begin) < rows
    assert not any("opens HKLM" in row for row in begin)
    page.check("input[name=minor]")
    assert len(shown(page)) == rows
    page.fill("input[name=text]", "DECOY xlsx")
    assert len(shown(page)) == 1
    assert page.inner_text("output") == f"1 of {rows} lines"
    page.click("button[type=reset]")
    page.wait_for_timeout(50)
    assert shown(page) == begin
    page.select_option("select[name=process]", "cmd.exe 2310")
    assert all("cmd.exe 2310" in row for row in shown(page))
    page.select_option("select[name=process]", "")
    page.select_option("select[name=group]", "network")
    assert shown(page)
    assert all("net." in row for row in shown(page))
    page.fill("input[name=text]", "no such thing")
    assert shown(page) == []
    page.press("input[name=text]", "Enter")  # goes nowhere
    assert page.url.endswith("report.html")
    assert opened.said == []


def test_a_finding_leads_to_its_event_even_if_a_filter_hides_it(opened: Opened) -> None:
    page = opened.page
    page.fill("input[name=text]", "no such thing")
    link = page.locator(".behaviours a[href^='#r0-e']").first
    target = link.get_attribute("href")
    link.click()
    page.wait_for_timeout(100)
    assert page.locator(f"[id='{(target or '#')[1:]}']").is_visible()


def test_the_schemes_differ_and_can_be_read(browser: Browser, files: Files) -> None:
    """Text on its ground has the contrast that WCAG asks for (4.5), in both schemes."""
    contrast = """() => {
        const light = (rgb) => rgb.match(/[\\d.]+/g).slice(0, 3).map(Number).map((v) => v / 255)
            .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
            .reduce((sum, v, place) => sum + v * [0.2126, 0.7152, 0.0722][place], 0);
        const ground = (one) => {
            for (; one; one = one.parentElement) {
                const colour = getComputedStyle(one).backgroundColor;
                if (!colour.endsWith(", 0)")) return colour;
            }
            return "rgb(255, 255, 255)";
        };
        let worst = 99;
        for (const one of document.querySelectorAll("h1,h2,h3,p,td,th,li,b,strong,small,a,code,dt,dd,span")) {
            if (!one.innerText) continue;
            const pair = [light(getComputedStyle(one).color), light(ground(one))].sort((a, b) => b - a);
            worst = Math.min(worst, (pair[0] + 0.05) / (pair[1] + 0.05));
        }
        return [worst, getComputedStyle(document.body).backgroundColor];
    }"""
    grounds = set()
    for scheme in ("light", "dark"):
        opened = Opened(browser, files[False], scheme)
        worst, ground = opened.page.evaluate(contrast)
        assert worst >= 4.5, scheme
        grounds.add(ground)
        opened.close()
    assert len(grounds) == 2


@pytest.mark.parametrize("width", [320, 420, 768, 1280, 2200])
@pytest.mark.parametrize("hostile", [False, True])
def test_nothing_sticks_out_at_any_width(browser: Browser, files: Files, width: int, hostile: bool) -> None:
    opened = Opened(browser, files[hostile], width=width)
    assert opened.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    opened.close()


def test_it_can_be_printed(browser: Browser, files: Files) -> None:
    opened = Opened(browser, files[False], "dark")
    page = opened.page
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    for hidden in ("nav", ".timeline form", ".downloads"):
        assert not page.is_visible(hidden)
    assert page.evaluate("getComputedStyle(document.querySelector('.timeline .wide')).maxHeight") == "none"
    page.emulate_media(media="screen")
    paper = page.pdf(format="A4")
    assert paper.startswith(b"%PDF-")
    assert len(paper) > 20_000
    opened.close()


def test_without_scripts_everything_is_there(browser: Browser, files: Files) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(files[False].as_uri())
    assert page.locator(".timeline tbody tr").last.is_visible()
    assert not page.is_visible(".timeline form")
    context.close()


def test_the_downloads_are_the_files(opened: Opened, files: Files) -> None:
    for name in ("indicators.csv", "stix.json"):
        with opened.page.expect_download() as waiting:
            opened.page.click(f"a[download='{name}']")
        assert waiting.value.suggested_filename == name
        assert waiting.value.path().read_bytes() == (files[False].parent / name).read_bytes()
