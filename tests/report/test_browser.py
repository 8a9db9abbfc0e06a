"""The report as a reader meets it: opened in headless Chromium, from a file, without a network."""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from nasturtium.report.contents import Contents
from nasturtium.report.page import render

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

pytestmark = pytest.mark.browser

READY = (
    "return [...document.querySelectorAll('.js-plotly-plot')].every(p => p.querySelector('.point, .js-line'))"
)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, make_contents: Callable[..., Contents]) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render(make_contents()), encoding="utf-8")
    return path


@pytest.fixture
def page(driver: webdriver.Chrome, report: Path) -> Iterator[webdriver.Chrome]:
    driver.get_log("browser")
    driver.get_log("performance")
    open_at(driver, report)
    yield driver
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def open_at(driver: webdriver.Chrome, path: Path) -> None:
    driver.get(path.as_uri())
    WebDriverWait(driver, 30).until(lambda chrome: chrome.execute_script(READY))


def at_width(driver: webdriver.Chrome, width: int) -> None:
    size = {"width": width, "height": 780, "deviceScaleFactor": 2, "mobile": True}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def requested(driver: webdriver.Chrome) -> list[str]:
    events = (json.loads(entry["message"])["message"] for entry in driver.get_log("performance"))
    urls = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    # The browser's own first page may still be loading.
    return [url for url in urls if not url.startswith(("chrome:", "chrome-untrusted:"))]


def test_opening_asks_nothing_of_the_network_and_logs_no_error(page: webdriver.Chrome) -> None:
    assert [url for url in requested(page) if not url.startswith(("file:", "data:", "blob:"))] == []
    assert [entry for entry in page.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")] == []


def test_the_front_plot_has_every_usable_trial(
    page: webdriver.Chrome, make_contents: Callable[..., Contents]
) -> None:
    contents = make_contents()
    usable = [contents.usable(stage) for stage in (contents.search, contents.baseline)]
    drawn = page.execute_script("return document.querySelectorAll('#front .scatterlayer .point').length")
    assert drawn == sum(map(len, usable)) + len(contents.picks)


def test_pointing_at_a_trial_shows_its_architecture(page: webdriver.Chrome) -> None:
    plot = page.find_element(By.ID, "front")
    page.execute_script("arguments[0].scrollIntoView({block: 'center'})", plot)
    where = page.execute_script(
        "const p = arguments[0], layout = p._fullLayout, box = p.getBoundingClientRect();"
        "const trace = p.data.findIndex(t => t.name === 'front, evolution'), point = p.calcdata[trace][0];"
        "return [layout.xaxis._offset + layout.xaxis.c2p(point.x) - box.width / 2,"
        "        layout.yaxis._offset + layout.yaxis.c2p(point.y) - box.height / 2]",
        plot,
    )
    ActionChains(page).move_to_element_with_offset(plot, *map(round, where)).perform()
    WebDriverWait(page, 10).until(
        lambda chrome: chrome.find_elements(By.CSS_SELECTOR, ".hoverlayer .hovertext")
    )
    shown = page.execute_script("return document.querySelector('#front .hoverlayer').textContent")
    assert "stem=16; stage1: depth=" in shown
    assert "latency_ms" in shown


@pytest.mark.parametrize("width", [360, 768])
def test_a_phone_scrolls_no_page_sideways(page: webdriver.Chrome, report: Path, width: int) -> None:
    at_width(page, width)
    open_at(page, report)
    inside, across = page.execute_script(
        "return [document.documentElement.clientWidth, document.documentElement.scrollWidth]"
    )
    assert inside == width
    assert across == width
    plots = page.execute_script("return [...document.querySelectorAll('.main-svg')].map(s => s.clientWidth)")
    assert max(plots) <= width


def test_it_prints(page: webdriver.Chrome) -> None:
    pdf = base64.b64decode(page.print_page())
    assert pdf.startswith(b"%PDF")
    assert len(pdf) > 20_000
    # Back on the screen the plots fill their place again.
    WebDriverWait(page, 10).until(
        lambda chrome: chrome.execute_script(
            "return document.querySelector('#front .main-svg').clientWidth > 700"
        )
    )


def test_text_of_the_user_stays_text(
    driver: webdriver.Chrome, tmp_path: Path, make_contents: Callable[..., Contents]
) -> None:
    nasty = "<img src=x onerror=console.error('ran')><script>console.error('ran')</script>"
    contents = make_contents(title=nasty, command=nasty, specification=nasty, asked=((nasty, nasty),))
    points = tuple(replace(point, text=nasty, problem=nasty) for point in contents.search.points)
    picks = tuple(replace(pick, text=nasty, name=nasty, model=nasty) for pick in contents.picks)
    path = tmp_path / "nasty.html"
    path.write_text(
        render(replace(contents, search=replace(contents.search, points=points), picks=picks)), "utf-8"
    )
    driver.get_log("browser")
    open_at(driver, path)
    assert driver.get_log("browser") == []
    assert driver.find_element(By.TAG_NAME, "h1").text == nasty
