"""Hand-made networks and contents for the tests of the report."""

import math
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from nasturtium.architecture import Architecture
from nasturtium.front.objectives import parse_constraint, parse_objective
from nasturtium.protocols import Candidate, Trial
from nasturtium.report.contents import Contents, Pick, Point, Stage
from nasturtium.run.bench.course import Row
from nasturtium.run.bench.protocol import Protocol, budget_of
from nasturtium.run.bench.results import Results
from nasturtium.run.bench.rows import Session
from nasturtium.run.exported import Exported
from nasturtium.run.retrained import Retrained
from nasturtium.seeds import rng_for
from nasturtium.space.layers import BlockSpan, Network
from nasturtium.space.wiring import Value, Wiring

MakeContents = Callable[..., Contents]

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1200,900",
)


def residual_network(blocks: int, *, stages: tuple[int, ...] = (16, 32)) -> Network:
    """A stem, `blocks` residual blocks a stage, the first of which may halve the size, a classifier."""
    wiring = Wiring(outputs=10)
    spans: list[BlockSpan] = []
    x = wiring.act(wiring.norm(wiring.conv(Value(-1, (3, 32, 32)), 16, 3)))
    spans.append(BlockSpan("stem", "conv 3x3 -> 16", 0, len(wiring.layers) - 1))
    for stage, width in enumerate(stages):
        for number in range(blocks):
            first, path = len(wiring.layers), f"stage{stage}.block{number}"
            with wiring.scope(path):
                x = _residual(wiring, x, width, 2 if stage and not number else 1)
            spans.append(BlockSpan(path, f"residual 3x3 -> {width}", first, len(wiring.layers) - 1))
    first = len(wiring.layers)
    wiring.linear(wiring.flatten(wiring.global_pool(x)), 10)
    spans.append(BlockSpan("head", "classifier 10", first, len(wiring.layers) - 1))
    return Network((3, 32, 32), tuple(wiring.layers), tuple(spans))


def _residual(wiring: Wiring, x: Value, width: int, stride: int) -> Value:
    y = wiring.act(wiring.norm(wiring.conv(x, width, 3, stride=stride, name="a")))
    y = wiring.norm(wiring.conv(y, width, 3, name="b"))
    short = x if x.shape == y.shape else wiring.norm(wiring.conv(x, width, 1, stride=stride, name="short"))
    return wiring.act(wiring.add(y, short), name="out")


def stage(name: str, count: int, seed: int, skill: float) -> Stage:
    """Trials whose error falls with their latency and, for a skilled method, with time; every 17th fails."""
    rng = rng_for(seed, "tests/report")
    points, spent = [], 0.0
    for number in range(count):
        spent += float(rng.uniform(0.2, 0.5))
        latency = float(np.exp(rng.normal(-0.4, 0.5)))
        floor = 0.012 + 0.02 / (0.3 + latency)
        error = floor + float(rng.gamma(2.0, 0.02)) * (1 - skill * number / count)
        text = f"stem=16; stage1: depth={number % 3 + 1}, kernel={3 + 2 * (number % 2)}, expand=4; stage2: se"
        metrics = {"error": error, "latency_ms": latency, "params": 4e4 * latency + 2e4, "train_seconds": 0.4}
        if number % 17 == 16:
            points.append(Point(number, text, {}, spent, "failed", "Diverged: the loss is NaN after 3 steps"))
        else:
            points.append(Point(number, text, metrics, spent))
    return Stage(name, tuple(points), spent * 1.1)


@pytest.fixture(scope="session")
def make_contents() -> MakeContents:
    """Gives the contents of a whole run over error and latency; keywords replace fields."""
    return whole_contents


def whole_contents(**fields: object) -> Contents:
    search, baseline = stage("search", 120, 1, 0.9), stage("baseline", 110, 2, 0.0)
    base = Contents(
        title="digits: mobilenet by evolution",
        asked=(
            ("data", "digits: 1,797 images of 8 x 8, 10 classes"),
            ("space", "mobilenet (small), 3,359,232 architectures"),
            ("method", "evolution"),
            ("minimise", "error, latency_ms"),
            ("subject to", "params <= 200000"),
            ("budget", "5m"),
            ("seed", "0"),
        ),
        method="evolution",
        objectives=(parse_objective("error"), parse_objective("latency_ms")),
        constraints=(parse_constraint("params <= 200e3"),),
        search=search,
        baseline=baseline,
        later=(
            Stage("retrain", tuple(Point(i, "a", {"error": 0.02}, 2.0 * (i + 1)) for i in range(6)), 13.0),
        ),
        facts=(("seed", "0"), ("device", "a processor, 2 cores"), ("versions", "nasturtium 0.1, torch 2.13")),
        command='nasturtium search --data digits --space mobilenet --subject-to "params <= 200e3"',
        specification='[search]\nmethod = "evolution"\nseed = 0\n',
        test_images=360,
        files=(
            Exported(
                "pick 0", "onnx", "a.onnx", 0.0, 150_000, 148e3, 0.41, 0.4, "test", 360, 0.02, 0.02, 1.0
            ),
            Exported("pick 0", "int8", "a.int8.onnx", 0.4, 52_000, 4e4, warning="it loses 2.3 points"),
        ),
    )
    rows = base.values([*base.usable(search), *base.usable(baseline)])
    reference = tuple((rows.max(axis=0) + 0.1 * (rows.max(axis=0) - rows.min(axis=0))).tolist())
    front = base.front(base.usable(search))
    chosen = [front[0], front[len(front) // 2], front[-1]]
    picks = tuple(
        Pick(
            name=f"pick {number}",
            text=point.text,
            found=point.metrics,
            again=trained_again([point.metrics["error"] + 0.004 * math.sin(k + number) for k in range(3)]),
            network=residual_network(1 + number),
            model=f"runs/first/picks/{number}/model.safetensors",
        )
        for number, point in enumerate(chosen)
    )
    return replace(base, **({"picks": picks, "reference": reference} | fields))  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def again() -> Callable[[Sequence[float]], Retrained]:
    """Gives final trainings with certain test errors."""
    return trained_again


def trained_again(errors: Sequence[float]) -> Retrained:
    """Final trainings with these test errors."""
    candidate = Candidate(Architecture("none", (0,)))
    return Retrained(tuple(Trial(candidate, {"error": error}) for error in errors))


@pytest.fixture(scope="session")
def make_results() -> Callable[..., Results]:
    """Gives the results of a bench: methods of different skill, tables, seeds, failures."""
    return bench_results


def bench_results(
    methods: Sequence[str] = ("random", "evolution", "auto"),
    tables: Sequence[str] = ("nasbench_macro",),
    seeds: int = 12,
    *,
    budget: str | int = 100,
    metric: str = "error",
    failing: bool = False,
    command: str = "nasturtium bench --table nasbench_macro",
) -> Results:
    """Regrets fall with what was spent, the faster the later a method stands in the list."""
    protocol = Protocol(budget_of(budget))
    shares = np.array(protocol.marks) / protocol.budget.amount
    rows = []
    for place, method in enumerate(methods):
        for table in tables:
            for seed in range(seeds):
                luck = float(rng_for(seed, f"tests/bench/{table}/{method}").gamma(4.0, 0.25))
                regret = 0.01 * luck * np.exp(-(1 + 1.5 * place) * shares)
                regret[regret < 1e-4] = 0.0
                rows.append(
                    Row(
                        table,
                        method,
                        seed,
                        metric=metric,
                        optimum=0.06,
                        at=protocol.marks,
                        picked=tuple((0.06 + regret).tolist()),
                        seen=tuple((0.06 + 1.2 * regret).tolist()),
                        values=(0.1,),
                        ms=(0.2 * 8**place, 0.4 * 8**place),
                        wall_seconds=1.5,
                    )
                )
    if failing:
        rows.append(Row(tables[0], "broken", 0, error="RuntimeError: no idea (mine.py, line 3)"))
    session = Session(
        "2026-01-01T00:00:00+00:00", command, "a processor, 2 cores, Linux", 2, {"numpy": "2.0"}
    )
    return Results(protocol, rows, sessions=(session,))


def browser_paths() -> tuple[str, str]:
    """Chromium and its driver; without them the test is skipped, on a CI machine it fails."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    driver = shutil.which("chromedriver")
    if browser and driver:
        return browser, driver
    reason = "no chromium and chromedriver on the PATH: the page cannot be opened"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Headless Chromium, which logs its console and what it asks of the network."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    browser, program = browser_paths()
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    # Both paths are given, so that Selenium looks for nothing on the network.
    chrome = webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=program))
    chrome.set_page_load_timeout(60)
    yield chrome
    chrome.quit()
