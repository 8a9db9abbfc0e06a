"""What the page says of a supernet, with numbers made by hand."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nasturtium.evaluate.agreement import Agreement
from nasturtium.evaluate.course import Course
from nasturtium.report import supernet_plots
from nasturtium.report.contents import Contents
from nasturtium.report.page import render
from nasturtium.report.supernet import CALM, Supernet, section

MakeContents = Callable[..., Contents]
OPS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")


def collapsing() -> Supernet:
    """A search by DARTS that ends in skips, with curvature, counts and trainings alone."""
    steps = tuple(range(30, 1501, 30))
    shares = tuple(min(1.0, max(0.0, (step - 400) / 700)) for step in steps)
    course = Course(
        1500,
        tuple((f"edge{edge}", OPS) for edge in ("01", "02", "12", "03", "13", "23")),
        steps,
        loss=tuple(1.0 + 1.2 * 0.998**step for step in steps),
        error=tuple(0.5 + 0.3 * 0.998**step for step in steps),
        entropy=tuple(1.0 - 0.6 * step / 1500 for step in steps),
        skips=shares,
        weightless=tuple(min(1.0, share + 0.1) for share in shares),
        eigenvalues=tuple((75 * i, 0.1 if i < 11 else 0.02 * i) for i in range(1, 21)),
        counts=((1500,) * 5,) * 5 + ((1500, 1500, 40, 1480, 1500),),
        learned=True,
        derived=(1,) * 6,
    )
    pairs = tuple((0.4 + 0.01 * (9 * i % 20), 0.1 + 0.004 * i) for i in range(20))
    return Supernet(course, Agreement(pairs, mixture=0.31, discrete=0.52))


def test_a_run_without_a_supernet_has_no_section(make_contents: MakeContents) -> None:
    assert section(None) is None
    assert "section-supernet" not in render(make_contents())


def test_the_section_has_warnings_with_advice_and_five_plots(make_contents: MakeContents) -> None:
    page = render(make_contents(supernet=collapsing()))
    assert 'id="section-supernet"' in page
    for part in ("loss", "shares", "eigenvalue", "counts", "ranks"):
        assert page.count(f'id="supernet-{part}"') == 1
    assert page.count("What to do:") == 5
    assert "At step 780 of 1,500 skip connections were 54% of the operations" in page
    assert "edge23=nor_conv_1x1 (40 of 6,020)" in page
    assert CALM not in page


def test_a_supernet_alone_brings_the_plots_library(make_contents: MakeContents) -> None:
    contents = make_contents(supernet=collapsing())
    empty = replace(contents, search=replace(contents.search, points=()), baseline=None, picks=(), later=())
    page = render(empty)
    assert 'id="supernet-loss"' in page
    assert "Plotly.newPlot" in page
    assert len(page) > 1_000_000  # the library


def test_a_calm_training_says_so() -> None:
    found = section(Supernet(Course(10, ()), Agreement()))
    assert found is not None
    assert found.sentences == (
        "It was trained for 0 of 10 steps so far.",
        "No network has an error both with shared weights and alone yet.",
        CALM,
    )
    assert found.plots == ()


def test_a_training_that_was_stopped_is_not_called_unfinished() -> None:
    found = section(
        Supernet(Course(10, (), (8,), *((1.0,),) * 2, (0.9,), *((0.0,),) * 2, ended=True), Agreement())
    )
    assert found is not None
    assert found.sentences[0] == "It was trained for 8 of 10 steps, where its method stopped."


@pytest.mark.parametrize(
    ("agreement", "text"),
    [
        (Agreement(((0.1, 0.1),)), "Only one network of random search has"),
        (Agreement(((0.1, 0.1),) * 9, random=False), "Only 9 networks that it chose have"),
        (
            Agreement(tuple((i, i) for i in range(10))),
            "Over 10 networks of random search, the rank correlation",
        ),
        (Agreement(tuple((i, i) for i in range(10)), random=False), "hard to tell apart"),
        (Agreement(mixture=0.25, discrete=0.3), "The mixture erred 25.0% on validation images, the network"),
    ],
)
def test_sentences_say_how_far_it_can_be_trusted(agreement: Agreement, text: str) -> None:
    found = section(Supernet(Course(10, ()), agreement))
    assert found is not None
    assert text in " ".join(found.sentences)


def test_plots_show_what_there_is() -> None:
    supernet = collapsing()
    course = supernet.course
    names = [trace.name for trace in supernet_plots.shares(course, ()).data]
    assert names == ["entropy", "skip connections", "without weights"]
    bare = replace(course, skips=(float("nan"),) * 50, weightless=(float("nan"),) * 50)
    assert [trace.name for trace in supernet_plots.shares(bare, ()).data] == ["entropy"]
    assert len(supernet_plots.counts(course).data[0].x) == 30
    assert max(supernet_plots.counts(course).data[0].y) == pytest.approx(1500 / (6020 / 5))
    assert supernet_plots.ranks(supernet.agreement).layout.xaxis.type is None
    wide = supernet_plots.ranks(Agreement(((0.02, 0.01), (0.9, 0.1)))).layout
    assert (wide.xaxis.type, wide.yaxis.type) == ("log", None)
    marked = supernet_plots.shares(course, supernet.alarms)
    assert [shape.x0 for shape in marked.layout.shapes] == [780]


@pytest.mark.browser
def test_a_phone_scrolls_the_section_in_one_direction(
    driver: Any, tmp_path: Path, make_contents: MakeContents
) -> None:
    path = tmp_path / "report.html"
    path.write_text(render(make_contents(supernet=collapsing())), encoding="utf-8")
    size = {"width": 360, "height": 780, "deviceScaleFactor": 2, "mobile": True}
    driver.get_log("browser")
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    driver.get(path.as_uri())
    across = driver.execute_script("return document.documentElement.scrollWidth")
    drawn = driver.execute_script("return document.querySelectorAll('#section-supernet .main-svg').length")
    logged = driver.get_log("browser")
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert across == 360
    assert drawn >= 5
    assert logged == []
