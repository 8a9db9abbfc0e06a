from hypothesis import given
from hypothesis import strategies as st

from nasturtium.report.blockgraph import Block, Edge, Step
from nasturtium.report.strip import lay_out

STEPS = st.lists(st.sampled_from([Step("3x3", "conv"), Step("squeeze-excite", "attention")]), max_size=3)


@st.composite
def blocks(draw: st.DrawFn) -> Block:
    count = draw(st.integers(2, 6))
    pairs = [(start, end) for end in range(count) for start in range(end)]
    chosen = draw(st.lists(st.sampled_from(pairs), min_size=1, max_size=12))
    edges = tuple(Edge(start, end, tuple(draw(STEPS))) for start, end in chosen)
    return Block("b", "b", (8, 4, 4), 0, "conv", ("",) * count, edges)


@given(blocks())
def test_pills_never_overlap_and_fit_the_room(block: Block) -> None:
    strip = lay_out(block, 400.0)
    if strip is None:
        assert sum(len(edge.steps) for edge in block.edges) <= 1
        return
    assert len(strip.pills) == sum(len(edge.steps) for edge in block.edges)
    assert len(strip.wires) == len(block.edges)
    for number, one in enumerate(strip.pills):
        assert one.x - one.width / 2 >= 0
        assert (one.x + one.width / 2) * strip.scale <= 400
        assert 0 <= one.y * strip.scale <= strip.height
        for other in strip.pills[:number]:
            apart = abs(one.x - other.x) >= (one.width + other.width) / 2 - 1e-6
            assert apart or abs(one.y - other.y) >= 17


@given(blocks())
def test_junctions_stand_in_order(block: Block) -> None:
    strip = lay_out(block, 400.0)
    xs = [x for x, _, _ in strip.junctions] if strip else []
    assert xs == sorted(set(xs))
