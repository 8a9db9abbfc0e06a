"""The page of a bench as a reader meets it: opened in headless Chromium, from a file, without a network."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nasturtium.report.bench import write
from nasturtium.run.bench.results import Results

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

pytestmark = pytest.mark.browser

READY = (
    "return [...document.querySelectorAll('.js-plotly-plot')].every(p => p.querySelector('.point, .js-line'))"
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory, make_results: Callable[..., Results]) -> Path:
    tables = ("nasbench_macro", "nasbench201/cifar10/12")
    methods = ("random", "evolution(population=50, sample=10)", "auto")
    return write(make_results(methods, tables), tmp_path_factory.mktemp("bench") / "page.html")


@pytest.fixture
def page(driver: webdriver.Chrome, path: Path) -> Iterator[webdriver.Chrome]:
    driver.get_log("browser")
    driver.get_log("performance")
    open_at(driver, path)
    yield driver
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def open_at(driver: webdriver.Chrome, path: Path) -> None:
    driver.get(path.as_uri())
    WebDriverWait(driver, 30).until(lambda chrome: chrome.execute_script(READY))


def test_opening_asks_nothing_of_the_network_and_logs_no_error(page: webdriver.Chrome) -> None:
    events = (json.loads(entry["message"])["message"] for entry in page.get_log("performance"))
    urls = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    assert [url for url in urls if not url.startswith(("file:", "data:", "blob:"))] == []
    assert [entry for entry in page.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")] == []


def test_every_method_has_a_curve_on_every_table(page: webdriver.Chrome) -> None:
    for name in ("mean0", "median0", "mean1", "median1"):
        drawn = page.execute_script(
            f"return document.querySelectorAll('#{name} .scatterlayer .js-line').length"
        )
        assert drawn >= 3, name


@pytest.mark.parametrize("width", [360, 768])
def test_a_phone_scrolls_no_page_sideways(page: webdriver.Chrome, path: Path, width: int) -> None:
    size = {"width": width, "height": 780, "deviceScaleFactor": 2, "mobile": True}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    open_at(page, path)
    inside, across = page.execute_script(
        "return [document.documentElement.clientWidth, document.documentElement.scrollWidth]"
    )
    assert inside == width
    assert across == width


def test_it_prints(page: webdriver.Chrome) -> None:
    pdf = base64.b64decode(page.print_page())
    assert pdf.startswith(b"%PDF")
    assert len(pdf) > 20_000
