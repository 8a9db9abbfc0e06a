from xml.etree import ElementTree

import pytest

from nasturtium.report.blockgraph import read
from nasturtium.report.draw import WIDTH, size_of, svg, thousands
from nasturtium.run.names import SPACES, space_named
from nasturtium.seeds import rng_for
from nasturtium.space.layers import BlockSpan, Network
from nasturtium.space.wiring import Value, Wiring

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("name", [*SPACES, "nasbench201/published", "mobilenet/published"])
@pytest.mark.parametrize("seed", range(3))
def test_drawing_is_well_formed_and_shows_every_block(name: str, seed: int) -> None:
    space = space_named(name)
    network = space.network(space.sample(rng_for(seed, "tests/draw")))
    root = ElementTree.fromstring(svg(network, title=name))
    drawn = [group.get("data-path") for group in root.iter(f"{SVG}g") if group.get("data-path")]
    assert drawn == [block.path for block in read(network)]
    texts = ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]
    for block in read(network):
        assert size_of(block.shape) in texts


def test_nothing_lies_outside_the_box() -> None:
    space = space_named("mobilenet/published")
    root = ElementTree.fromstring(svg(space.network(space.sample(rng_for(0, "tests/draw")))))
    left, top, width, height = map(float, root.attrib["viewBox"].split())
    assert left + width == WIDTH
    for box in root.iter(f"{SVG}rect"):
        if box.get("class") == "net-card":
            assert float(box.attrib["x"]) >= left
            assert float(box.attrib["x"]) + float(box.attrib["width"]) <= WIDTH
            assert top <= float(box.attrib["y"]) <= height - float(box.attrib["height"])


def test_has_a_title_and_a_description_that_name_it() -> None:
    space = space_named("resnet")
    root = ElementTree.fromstring(svg(space.network(space.unrank(0)), title="the <best> & only"))
    named = [root.find(f"{SVG}*[@id='{mark}']") for mark in root.attrib["aria-labelledby"].split()]
    title, description = ["" if element is None else element.text or "" for element in named]
    assert title == "the <best> & only"
    assert "input 3" in description.lower()
    assert "classifier" in description


def test_labels_of_the_user_are_escaped_and_long_ones_cut() -> None:
    wiring = Wiring()
    wiring.conv(Value(-1, (3, 8, 8)), 8, 3)
    label = "<script> & " + 30 * "a long label "
    network = Network((3, 8, 8), tuple(wiring.layers), (BlockSpan("a<b", label, 0, 0),))
    root = ElementTree.fromstring(svg(network))
    texts = ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]
    assert any(text.startswith("<script> &") for text in texts)
    assert any(text.endswith("\N{HORIZONTAL ELLIPSIS}") for text in texts)
    assert max(map(len, texts)) < 40


def test_a_network_of_one_layer_without_blocks_is_drawn() -> None:
    wiring = Wiring()
    wiring.flatten(Value(-1, (3, 8, 8)))
    assert ElementTree.fromstring(svg(Network((3, 8, 8), tuple(wiring.layers)))).tag == f"{SVG}svg"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (864, "864"),
        (999, "999"),
        (1000, "1 k"),
        (12_345, "12.3 k"),
        (999_999, "1 M"),
        (3_504_872, "3.5 M"),
    ],
)
def test_thousands(number: int, text: str) -> None:
    assert thousands(number) == text
