import numpy as np
import pytest

from nasturtium.predictor.embedding import Embedding, squared
from nasturtium.seeds import rng_for
from nasturtium.space.blocks import classifier, conv
from nasturtium.space.choice import choice
from nasturtium.space.space import Space
from nasturtium.space.zoo.mobilenet import mobilenet
from nasturtium.space.zoo.nasbench201 import from_ops, nasbench201
from nasturtium.testing.toys import conditional_space, flat_space, single_space

SPACES = [flat_space, conditional_space, mobilenet, nasbench201]


def some(space, number):
    return [space.sample(rng_for(0, "test", i)) for i in range(number)]


@pytest.mark.parametrize("make", SPACES)
def test_ways_are_scaled_alike_and_their_prior_is_about_one(make):
    embedding = Embedding(make())
    vectors = embedding(some(make(), 200))
    means = embedding.distances(vectors).mean(axis=(1, 2))
    assert len(means) == len(embedding) == len(embedding.prior)
    assert ((means > 0.4) & (means < 2.5)).all()
    assert embedding.prior.sum() == pytest.approx(1.05)


@pytest.mark.parametrize("make", SPACES)
def test_distances_are_those_of_the_weighted_vectors(make):
    embedding = Embedding(make())
    vectors, weights = embedding(some(make(), 20)), rng_for(0, "weights").random(len(embedding))
    roots = np.sqrt(weights @ embedding.ways)
    whole = np.tensordot(weights, embedding.distances(vectors), axes=1)
    assert squared(vectors * roots, vectors * roots) == pytest.approx(whole, abs=1e-9)


def test_numbers_have_a_distance():
    space = Space(conv(choice(4, 8, 16)), classifier(), input_shape=(1, 8, 8))
    embedding = Embedding(space)
    apart = embedding.distances(embedding(list(space)))
    assert (apart[:, 0, 2] / apart[:, 0, 1]).max() == pytest.approx(4)  # two steps, squared


def test_decisions_that_exist_in_none_of_two_architectures_do_not_part_them():
    space = conditional_space()
    embedding = Embedding(space)
    every = list(space)
    apart = embedding.distances(embedding(every))
    same = np.array([[a == b for b in every] for a in every])
    assert np.abs(apart[:, same]).max() < 1e-9
    assert (apart.max(axis=0)[~same] > 1e-9).all()


def test_cells_that_compute_the_same_differ_in_their_decisions_only():
    space = nasbench201()
    by_one = from_ops(space, ["nor_conv_3x3", "none", "none", "none", "skip_connect", "none"])
    by_two = from_ops(space, ["none", "nor_conv_3x3", "none", "none", "none", "skip_connect"])
    embedding = Embedding(space)
    apart = embedding.distances(embedding([by_one, by_two]))[:, 0, 1]
    graph_ways = embedding.ways[:, : -sum((16, 64, 128, 3))].sum(axis=1) == 0
    assert graph_ways.sum() == 6
    assert apart[graph_ways] == pytest.approx(np.zeros(6))


def test_a_space_of_one_architecture_has_no_ways():
    space = single_space()
    embedding = Embedding(space)
    assert len(embedding) == 0
    assert embedding.distances(embedding([space.unrank(0)])).shape == (0, 1, 1)


def test_more_numbers_are_a_way_each_and_those_that_never_vary_are_none():
    space = mobilenet()
    plain, more = Embedding(space), Embedding(space, lambda a: (float(sum(a.choices)), 7.0))
    assert len(more) == len(plain) + 1
    few = some(space, 5)
    apart = np.subtract.outer(*[[sum(a.choices) for a in few]] * 2) ** 2
    found = more.distances(more(few))
    assert any(np.allclose(way / way.max(), apart / apart.max()) for way in found)
