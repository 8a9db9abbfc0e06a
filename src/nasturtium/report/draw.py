"""Drawing of one network as SVG: blocks from top to bottom, branches inside them as small graphs.

The drawing scales (viewBox), brings its colours for light and dark screens, and has title and description.
"""

import re
import textwrap
from collections.abc import Sequence
from hashlib import blake2b
from importlib.resources import files
from xml.etree.ElementTree import Element, SubElement, tostring

from nasturtium.report.blockgraph import TIMES, Block, read
from nasturtium.report.strip import CORNER, PILL_HEIGHT, Strip, lay_out
from nasturtium.space.layers import Network, Shape

WIDTH, LEFT, RIGHT = 520.0, 30.0, 508.0
TEXT, OUTPUT, PARAMS = LEFT + 14, 402.0, 498.0
FIRST, HEADER, LINE, GAP = 40.0, 30.0, 16.0, 18.0
LETTER = 7.2  # width of a letter at 13 px, in a wide font
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif"


def svg(network: Network, *, title: str = "Network") -> str:
    """Returns a drawing of `network` as one ``<svg>`` element, to be put into a page or a file as it is.

    Args:
        network: The architecture with all its shapes.
        title: What programs that read aloud call the drawing.
    """
    blocks = read(network)
    strips = [lay_out(block, RIGHT - TEXT - 10) for block in blocks]
    tops = [FIRST]
    for block, strip in zip(blocks, strips, strict=True):
        tops.append(tops[-1] + _height(block, strip) + GAP)
    jumps = any(block.sources for block in blocks)
    root = _root(title, _description(network, blocks), tops[-1] + 14, jumps=jumps)
    _heading(root, network)
    for block, strip, top in zip(blocks, strips, tops[:-1], strict=True):
        _line(root, f"M{TEXT + 4:g} {top - GAP + 3:g}V{top - 2:g}m-3.5 -4.5l3.5 4.5l3.5 -4.5")
        _card(root, block, strip, top)
    _jumps(root, blocks, tops)
    _footing(root, blocks, tops[-1])
    return tostring(root, encoding="unicode")


def thousands(number: float) -> str:
    """Returns a count as a reader writes it: 864, 12.3 k, 1.24 M."""
    for size, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if number >= 0.9995 * size:
            return f"{number / size:.4g}{unit}" if number >= 100 * size else f"{number / size:.3g}{unit}"
    return f"{number:g}"


def size_of(shape: Shape) -> str:
    """Returns a shape as a reader writes it: 24 x 16 x 16, with multiplication signs."""
    return f" {TIMES} ".join(str(side) for side in shape)


def _description(network: Network, blocks: Sequence[Block]) -> str:
    rows = (f"{_times(block)}{block.label}, output {size_of(block.shape)}" for block in blocks)
    return f"Input {size_of(network.input_shape)}; " + "; ".join(rows)


def _times(block: Block) -> str:
    return f"{block.times} {TIMES} " if block.times > 1 else ""


def _lines(block: Block) -> list[str]:
    """The label in at most two lines, beside the shape; the number of equal blocks is in the first."""
    letters = int((OUTPUT - TEXT) / LETTER) - len(size_of(block.shape)) - 2
    label = re.sub(r"(?<=\d)x(?=\d)", TIMES, block.label).replace("->", "\N{RIGHTWARDS ARROW}")
    indent = " " * len(_times(block))
    lines = textwrap.wrap(
        label, letters, initial_indent=indent, max_lines=2, placeholder=ELLIPSIS, break_on_hyphens=False
    )
    return [line.strip() for line in lines] or [""]


def _height(block: Block, strip: Strip | None) -> float:
    return HEADER + LINE * (len(_lines(block)) - 1) + (strip.height if strip else 0)


def _root(title: str, description: str, height: float, *, jumps: bool) -> Element:
    mark = blake2b(f"{title}/{description}".encode(), digest_size=6).hexdigest()
    root = Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "class": "net", "role": "img"})
    left = 0.0 if jumps else LEFT - 4
    root.set("viewBox", f"{left:g} 0 {WIDTH - left:g} {height:g}")
    root.set("aria-labelledby", f"t{mark} d{mark}")
    root.set("font-family", FONT)
    root.set("font-size", "13")
    SubElement(root, "title", {"id": f"t{mark}"}).text = title
    SubElement(root, "desc", {"id": f"d{mark}"}).text = description
    SubElement(root, "style").text = files(__package__).joinpath("draw.css").read_text(encoding="utf-8")
    return root


def _text(parent: Element, x: float, y: float, text: str, mark: str = "", *, end: bool = False) -> Element:
    element = SubElement(parent, "text", {"x": f"{x:g}", "y": f"{y:g}"})
    if mark:
        element.set("class", mark)
    if end:
        element.set("text-anchor", "end")
    element.text = text
    return element


def _line(parent: Element, path: str) -> None:
    SubElement(parent, "path", {"d": path, "class": "net-line"})


def _box(parent: Element, mark: str, corner: float, place: tuple[float, float, float, float]) -> None:
    """A rectangle at (left, top, width, height)."""
    places = dict(zip(("x", "y", "width", "height", "rx"), (*place, corner), strict=True))
    SubElement(parent, "rect", {name: f"{value:g}" for name, value in places.items()} | {"class": mark})


def _heading(root: Element, network: Network) -> None:
    _text(root, TEXT, 15, f"input {size_of(network.input_shape)}")
    _text(root, OUTPUT, 15, "output", "net-head", end=True)
    _text(root, PARAMS, 15, "params", "net-head", end=True)


def _footing(root: Element, blocks: Sequence[Block], end: float) -> None:
    _text(root, TEXT, end, "in all", "net-head")
    _text(root, PARAMS, end, thousands(sum(block.params * block.times for block in blocks)), end=True)


def _card(root: Element, block: Block, strip: Strip | None, top: float) -> None:
    group = SubElement(root, "g", {"data-path": block.path})
    SubElement(group, "title").text = f"{block.path}: {_times(block)}{block.label}"
    height = _height(block, strip)
    for shift in (6.0, 3.0) if block.times > 1 else ():
        _box(group, "net-card", 5, (LEFT + shift, top + shift, RIGHT - LEFT, height))
    _box(group, "net-card", 5, (LEFT, top, RIGHT - LEFT, height))
    _box(group, f"net-{block.kind}", 2, (LEFT, top, 5, height))
    for number, line in enumerate(_lines(block)):
        text = _text(group, TEXT, top + 20 + LINE * number, "")
        if number == 0 and block.times > 1:
            SubElement(text, "tspan", {"font-weight": "700"}).text = _times(block)
        SubElement(text, "tspan").text = line
    _text(group, OUTPUT, top + 20, size_of(block.shape), end=True)
    _text(group, PARAMS, top + 20, _times(block) + thousands(block.params), "net-quiet", end=True)
    if strip:
        _graph(group, strip, top + height - strip.height)


def _graph(group: Element, strip: Strip, top: float) -> None:
    inner = SubElement(group, "g", {"transform": f"translate({TEXT - 4:g} {top:g}) scale({strip.scale:.4g})"})
    for wire in strip.wires:
        _line(inner, wire)
    for pill in strip.pills:
        left, above = pill.x - pill.width / 2, pill.y - PILL_HEIGHT / 2
        _box(inner, f"net-{pill.step.kind}", PILL_HEIGHT / 2, (left, above, pill.width, PILL_HEIGHT))
        _text(inner, pill.x, pill.y + 3.7, pill.step.text, "net-step")
    for x, y, sign in strip.junctions:
        place = {"cx": f"{x:g}", "cy": f"{y:g}", "r": "7" if sign else "3"}
        SubElement(inner, "circle", place | {"class": "net-ring" if sign else "net-dot"})
        if sign:
            _text(inner, x, y + 4, sign, "net-sign")


def _jumps(root: Element, blocks: Sequence[Block], tops: Sequence[float]) -> None:
    """Connections from an earlier block than the one before, as arcs in the left margin; -1 is the input."""
    jumps = [(source, number) for number, block in enumerate(blocks) for source in block.sources]
    for order, (source, number) in enumerate(sorted(jumps, key=lambda jump: jump[1] - jump[0])):
        start, end, x = tops[source + 1] - GAP + 1, tops[number] + 15, LEFT - 8 - 5 * (order % 4)
        if source < 0:
            start = FIRST - GAP + 1
        _line(
            root,
            f"M{TEXT + 4:g} {start + 4:g}H{x + CORNER:g}Q{x:g} {start + 4:g} {x:g} {start + 4 + CORNER:g}"
            f"V{end - CORNER:g}Q{x:g} {end:g} {x + CORNER:g} {end:g}H{LEFT:g}m-4.5 -3.5l4.5 3.5l-4.5 3.5",
        )
