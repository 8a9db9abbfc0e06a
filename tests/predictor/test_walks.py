from collections import Counter

from nasturtium.predictor.walks import column, flow
from nasturtium.space.encode import graph
from nasturtium.space.graph import Graph, chain_graph
from nasturtium.space.zoo.nasbench201 import from_ops, nasbench201


def counted(graph, longest=3):
    found = flow(graph, longest)
    return [Counter(runs) for runs in found.runs], (found.paths, found.shortest, found.longest)


def test_a_chain_has_each_run_once():
    (one, two, three), paths = counted(chain_graph(("a", "b"), ("conv", "pool")))
    assert one == Counter({("input",): 1, ("conv",): 1, ("pool",): 1, ("output",): 1})
    assert two == Counter({("input", "conv"): 1, ("conv", "pool"): 1, ("pool", "output"): 1})
    assert three == Counter({("input", "conv", "pool"): 1, ("conv", "pool", "output"): 1})
    assert paths == (1, 2, 2)


def test_what_changes_nothing_is_seen_through():
    through = chain_graph(("a", "b", "c"), ("conv", "skip_connect", "pool"))
    assert counted(through) == counted(chain_graph(("a", "b"), ("conv", "pool")))


def test_what_carries_nothing_to_the_output_is_left_out():
    dead_end = Graph(
        ("input", "a", "b", "c", "output"),
        ("input", "conv", "pool", "none", "output"),
        ((0, 1), (0, 2), (2, 3), (1, 4), (3, 4)),
    )
    assert counted(dead_end) == counted(chain_graph(("a",), ("conv",)))


def test_two_ways_from_one_operation_to_another_count_twice():
    both = Graph(
        ("input", "a", "b", "c", "output"),
        ("input", "conv", "identity", "identity", "output"),
        ((0, 1), (1, 2), (1, 3), (2, 4), (3, 4)),
    )
    runs, paths = counted(both)
    assert runs[1] == Counter({("input", "conv"): 1, ("conv", "output"): 2})
    assert paths == (2, 1, 1)


def test_a_network_through_which_nothing_flows_has_no_runs():
    assert counted(chain_graph(("a",), ("none",)), 2) == ([Counter(), Counter()], (0, -1, -1))


def test_paths_are_those_of_the_graph():
    space = nasbench201()
    for rank in range(0, space.count, 97):
        cell = graph(space, space.unrank(rank))
        lengths = [sum(cell.ops[n] != "skip_connect" for n in route) for route in cell.paths(("none",))]
        wanted = (len(lengths), min(lengths), max(lengths)) if lengths else (0, -1, -1)
        assert counted(cell)[1] == wanted


def test_cells_of_nasbench201_that_compute_the_same_have_the_same_flow():
    # Edges (0,1), (0,2), (1,2), (0,3), (1,3), (2,3): node 1 or node 2 carries the convolution to the output.
    space = nasbench201()
    by_one = from_ops(space, ["nor_conv_3x3", "none", "none", "none", "skip_connect", "none"])
    by_two = from_ops(space, ["none", "nor_conv_3x3", "avg_pool_3x3", "none", "none", "skip_connect"])
    assert counted(graph(space, by_one)) == counted(graph(space, by_two))


def test_the_place_of_a_run_depends_on_its_text_alone():
    assert column(("a", "b"), 64) == column(("a", "b"), 64) < 64
