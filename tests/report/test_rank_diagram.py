import re
from xml.etree import ElementTree

from nasturtium.report.rank_diagram import rank_diagram
from nasturtium.run.bench.results import Ranking


def ranking(count: int, difference: float = 1.2) -> Ranking:
    names = ("auto", "evolution(population=50, sample=10)", "tpe", "<random>", "local", "smac", "bananas")
    return Ranking(names[:count], tuple(1.3 + 0.8 * i for i in range(count)), 20, difference, 0.01)


def test_it_is_sound_xml_with_every_name_and_rank() -> None:
    for count in (2, 3, 7):
        svg = ElementTree.fromstring(rank_diagram(ranking(count)))
        text = " ".join(svg.itertext())
        assert "auto" in text
        assert "1.30" in text
        assert f"critical difference {1.2:.2f}" in text


def test_names_are_escaped_and_long_ones_cut() -> None:
    drawn = rank_diagram(ranking(4))
    assert "<random>" not in drawn
    assert "evolution(population=\N{HORIZONTAL ELLIPSIS}" in drawn


def test_bars_lie_over_those_alike() -> None:
    # Ranks are 0.8 apart: with 1.2 each pair of neighbours is alike, with 0.5 none.
    assert len(re.findall('class="alike"', rank_diagram(ranking(4)))) == 3
    assert "alike" not in rank_diagram(ranking(4, 0.5))


def test_everything_lies_inside_the_picture() -> None:
    drawn = rank_diagram(ranking(7, 9.0))
    width, height = map(float, re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', drawn).groups())  # type: ignore[union-attr]
    for x, y in re.findall(r'<text[^>]* x="([-\d.]+)" y="([-\d.]+)"', drawn):
        assert 0 <= float(x) <= width
        assert 0 <= float(y) <= height
