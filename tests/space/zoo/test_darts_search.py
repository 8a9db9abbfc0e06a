"""The space that DARTS searches, against Liu, Simonyan and Yang 2019 (arXiv:1806.09055)."""

import pytest
import torch

from nasturtium.architecture import Mixture
from nasturtium.cost.counts import Counted
from nasturtium.errors import SpaceError
from nasturtium.net.build import build
from nasturtium.net.extract import extract
from nasturtium.net.supernet import Supernet
from nasturtium.seeds import rng_for
from nasturtium.space.zoo.cells import thirds
from nasturtium.space.zoo.darts import darts, from_genotype
from nasturtium.space.zoo.darts_search import darts_search, darts_search_of, pc_darts_search, to_genotype
from nasturtium.strategy.derive import derived
from nasturtium.testing.space import SpaceConformance


def tiny(**given):
    return darts_search_of(4, (False, True), "tiny", **given).bind((3, 8, 8), 10)


def one_hot(space, architecture):
    rows = zip(space.decisions, architecture.choices, strict=True)
    return Mixture(
        space.fingerprint,
        tuple(tuple(float(i == c) for i in range(len(d.labels))) for d, c in rows),
    )


def random_mixture(space, seed=0):
    rng = rng_for(seed, "mixture")
    return Mixture(
        space.fingerprint, tuple(tuple(rng.dirichlet([1.0] * len(d.labels))) for d in space.decisions)
    )


class TestDartsSearch(SpaceConformance):
    samples = 6

    def make(self):
        return tiny()


class TestPCDartsSearch(SpaceConformance):
    samples = 6

    def make(self):
        return tiny(partial=4, edges=True)


def test_two_cells_have_14_edges_of_8_operations_each():
    """Section 2.1 and 3.1: 14 edges in each of two cells."""
    space = darts_search("published")
    assert space.count == 8**28
    assert [d.path for d in space.decisions][:3] == [
        "normal.node1.from0",
        "normal.node1.from1",
        "normal.node2.from0",
    ]
    weighing = [d for d in pc_darts_search().decisions if d.path.endswith(".edges")]
    assert [len(d.labels) for d in weighing] == [3, 4, 5, 6] * 2


def test_the_published_supernet_has_the_weights_of_the_release():
    """The release's search says 1.930842 MB, with the 14 x 8 x 2 numbers and an affine norm in the stem."""
    supernet = Supernet(darts_search("published"), norms="batch", affine=False)
    weights = sum(p.numel() for p in supernet.parameters())
    assert weights + 14 * 8 * 2 + 2 * 48 == 1_930_842


@pytest.mark.parametrize("given", [{}, {"partial": 4, "edges": True}])
def test_a_one_hot_mixture_is_the_path(given):
    space = tiny(**given)
    supernet = Supernet(space, norms="batch").double()
    x = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for i in range(3):
        path = space.sample(rng_for(i, "path"))
        whole = supernet(x, path)
        torch.testing.assert_close(supernet(x, one_hot(space, path)), whole, rtol=1e-10, atol=1e-10)


def test_a_path_extracted_is_the_path_and_macs_are_counted():
    space = tiny(partial=4, edges=True)
    supernet = Supernet(space).eval()
    path = space.sample(rng_for(3, "path"))
    x = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    assert torch.equal(extract(supernet, path)(x), supernet(x, path))
    model = build(space.network(path), seed=0)
    assert Counted(space).counts(path).params == sum(p.numel() for p in model.parameters())


def test_edges_without_weight_and_nodes_without_edges_are_zeros():
    space = tiny()
    nothing = space.architecture(**{d.path: "none" for d in space.decisions})
    supernet = Supernet(space, norms="batch")
    x = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    assert supernet(x, nothing).std(0).abs().max() == 0


@pytest.mark.parametrize("make", [darts_search, pc_darts_search])
def test_what_is_derived_is_a_genotype_of_the_darts_space(make):
    space = make()
    for seed in range(20):
        mixture = random_mixture(space, seed)
        architecture = derived(space, mixture)
        assert architecture in space
        found = to_genotype(space, architecture)
        member = from_genotype(darts(), found)
        assert member in darts()
        taken = {d.path: d.labels[c] for d, c in zip(space.decisions, architecture.choices, strict=True)}
        for cell, pairs in (("normal", found.normal.pairs()), ("reduction", found.reduction.pairs())):
            for number, pair in enumerate(pairs, 1):
                assert pair.first < pair.second
                assert taken[f"{cell}.node{number}.from{pair.first}"] == pair.first_op
                assert taken[f"{cell}.node{number}.from{pair.second}"] == pair.second_op


def test_an_edge_keeps_its_strongest_operation_besides_none_and_a_node_its_two_strongest_edges():
    space = darts_search()
    rows = {d.path: [0.02] * 8 for d in space.decisions}
    labels = space.decisions[0].labels
    for path, op, weight in [
        ("normal.node2.from0", "sep_conv_5x5", 0.3),
        ("normal.node2.from1", "skip_connect", 0.2),
        ("normal.node2.from2", "max_pool_3x3", 0.25),
    ]:
        rows[path][labels.index(op)] = weight
        rows[path][labels.index("none")] = 0.5  # the largest, and not counted
    mixture = Mixture(space.fingerprint, tuple(tuple(rows[d.path]) for d in space.decisions))
    taken = derived(space, mixture)
    ops = {d.path: d.labels[c] for d, c in zip(space.decisions, taken.choices, strict=True)}
    assert [ops[f"normal.node2.from{i}"] for i in range(3)] == ["sep_conv_5x5", "none", "max_pool_3x3"]


def test_weights_of_edges_count_in_pc_darts():
    space = pc_darts_search()
    rows = [[1 / len(d.labels)] * len(d.labels) for d in space.decisions]
    number = [d.path for d in space.decisions].index("normal.node3.edges")
    rows[number] = [0.1, 0.5, 0.1, 0.3, 0.0]
    taken = derived(space, Mixture(space.fingerprint, tuple(tuple(row) for row in rows)))
    kept = to_genotype(space, taken).normal.pairs()[2]
    assert (kept.first, kept.second) == (1, 3)


def test_a_node_of_three_edges_is_no_genotype():
    space = darts_search()
    with pytest.raises(SpaceError, match=r"node 2 has 3 edges"):
        to_genotype(space, space.architecture(**{d.path: "skip_connect" for d in space.decisions}))


def test_filters_that_cannot_be_cut_are_refused():
    with pytest.raises(SpaceError, match="6 filters cannot be cut in 4"):
        darts_search_of(6, thirds(5), "cut", partial=4)


def test_skips_are_dropped_out_only_where_asked():
    plain, dropped = tiny(), tiny(skip_dropout=0.3)
    path = {d.path: "skip_connect" for d in plain.decisions}
    kinds = [
        sum(
            type(layer.op).__name__ == "Dropout" for layer in space.network(space.architecture(**path)).layers
        )
        for space in (plain, dropped)
    ]
    assert kinds == [0, 28]


def test_edges_may_have_fewer_operations():
    space = tiny(ops={"normal.node1.from0": ("none", "skip_connect", "sep_conv_3x3")})
    assert [len(d.labels) for d in space.decisions][:2] == [3, 8]
