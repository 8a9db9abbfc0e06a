import pytest

from nasturtium.errors import SpaceError, UnknownOp
from nasturtium.space.encode import graph
from nasturtium.space.zoo.nasbench_nlp import cell, nasbench_nlp
from nasturtium.testing.space import SpaceConformance

ELMAN = "h_new_0=activation_tanh(f) f=linear(x,h_prev_0)"
GATED = (
    "i=linear(x,h_prev_0) g=activation_sigm(i) h_new_0=blend(g,x,h_prev_1) h_new_1=elementwise_sum(i,h_new_0)"
)


class TestTwo(SpaceConformance):
    def make(self):
        return nasbench_nlp([ELMAN, GATED], ["elman", "gated"])


def test_a_cell_is_a_graph_whose_nodes_can_run_in_their_order():
    space = nasbench_nlp([ELMAN, GATED], ["elman", "gated"])
    elman, gated = (graph(space, space.parse(f"cell={name}")) for name in ("elman", "gated"))
    assert elman.ops == ("input", "h_prev", "x", "linear", "activation_tanh", "output")
    assert elman.edges == ((0, 1), (0, 2), (1, 3), (2, 3), (3, 4), (4, 5))
    assert all(start < end for start, end in gated.edges)
    assert len(gated.names) == 2 + 3 + 4
    last = len(gated.names) - 1
    assert {gated.names[start] for start, end in gated.edges if end == last} == {"h_new_0", "h_new_1"}


def test_the_order_in_which_nodes_are_written_does_not_matter_to_what_runs_first():
    assert [name for name, _, _ in cell(ELMAN).nodes] == ["f", "h_new_0"]


def test_what_is_no_cell_is_refused():
    with pytest.raises(UnknownOp, match="no op 'softmax'; this space has linear, blend"):
        cell("h_new_0=softmax(x)")
    for text in ("h_new_0", "a=linear(x) a=linear(x)"):
        with pytest.raises(SpaceError, match="write each node once"):
            cell(text)
    with pytest.raises(SpaceError, match="the nodes a, b of a cell read each other in a circle"):
        cell("a=linear(b) b=linear(a)")


def test_a_recurrent_cell_cannot_be_built():
    space = nasbench_nlp([ELMAN], ["elman"])
    with pytest.raises(SpaceError, match="cannot be built; look it up in its table"):
        space.network(space.unrank(0))
