"""OTMANN against its definition (Kandasamy et al. 2018, arXiv:1802.07191) and the authors' rules."""

import itertools
import math
import sys
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import linprog

from nasturtium.errors import ConfigError
from nasturtium.predictor.otmann import NUS, Otmann, costs, distances, mismatch
from nasturtium.predictor.otmann_profile import Label, profile
from nasturtium.seeds import rng_for
from nasturtium.space.layers import Network
from nasturtium.space.space import Space
from nasturtium.space.wiring import Value, Wiring
from nasturtium.space.zoo.chain import chain
from nasturtium.space.zoo.mobilenet import mobilenet
from nasturtium.space.zoo.nasbench201 import nasbench201

pytest.importorskip("ot")

SPACES = {"chain": chain(), "mobilenet": mobilenet(), "nasbench201": nasbench201()}


def some(space, count, seed=0):
    return [space.sample(rng_for(seed, "otmann", i)) for i in range(count)]


def profiles(count, seed=0):
    """Profiles of several spaces by turns, so that pairs are of unlike networks too."""
    spaces = itertools.cycle(SPACES.values())
    return [
        profile(space.network(space.sample(rng_for(seed, "mixed", i))), "cnn")
        for i, space in zip(range(count), spaces, strict=False)
    ]


def relabelled(network, rng):
    """The same network, its layers in another order in which they can run."""
    order, left = [], list(range(len(network.layers)))
    while left:
        ready = [i for i in left if all(j in order for j in network.layers[i].inputs if j >= 0)]
        ready = [i for i in ready if i != len(network.layers) - 1] or ready  # the output stays last
        chosen = ready[int(rng.random() * len(ready))]
        order.append(chosen)
        left.remove(chosen)
    number = {-1: -1} | {old: new for new, old in enumerate(order)}
    layers = [
        replace(network.layers[i], inputs=tuple(number[j] for j in network.layers[i].inputs[::-1]))
        for i in order
    ]
    return Network(network.input_shape, tuple(layers))


def linear_program(left, right, nu):
    """The definition, all families together: least sum Z (M + nu C) + mass that is not moved."""
    rows = [(part, i) for part in left.parts.values() for i in range(len(part.masses))]
    columns = [(part, j) for part in right.parts.values() for j in range(len(part.masses))]
    cost = np.full((len(rows), len(columns)), np.inf)
    for (i, (one, a)), (j, (other, b)) in itertools.product(enumerate(rows), enumerate(columns)):
        apart = np.abs(one.places[a] - other.places[b]).mean()
        cost[i, j] = mismatch(one.labels[one.which[a]], other.labels[other.which[b]]) + nu * apart
    here = np.array([part.masses[i] for part, i in rows])
    there = np.array([part.masses[j] for part, j in columns])
    scale = here.sum() + there.sum()
    # Moving one unit costs `cost` and saves the 2 that leaving it on both sides would cost.
    gain = np.where(np.isfinite(cost), cost - 2, 0.0).ravel()
    bounds = [(0, None if math.isfinite(c) else 0) for c in cost.ravel()]
    sums = np.vstack(
        [np.kron(np.eye(len(rows)), np.ones(len(columns))), np.kron(np.ones(len(rows)), np.eye(len(columns)))]
    )
    found = linprog(gain, A_ub=sums, b_ub=np.concatenate([here, there]) / scale, bounds=bounds)
    assert found.success, found.message
    return float(found.fun) * scale + scale


@pytest.mark.parametrize("name", SPACES)
def test_isomorphic_relabellings_are_no_distance_apart(name):
    space = SPACES[name]
    for i, architecture in enumerate(some(space, 10)):
        network = space.network(architecture)
        same = relabelled(network, rng_for(0, "relabel", i))
        assert len(same.layers) == len(network.layers)
        assert (distances(profile(network, "cnn"), profile(same, "cnn")) == 0).all()


def test_it_is_symmetric():
    every = profiles(20)
    for one, other in itertools.combinations(every, 2):
        assert (distances(one, other) == distances(other, one)).all()
        assert (distances(one, other) > 0).all() or one == other


def test_triangle_inequality_on_100_triples():
    every, rng = profiles(60), rng_for(0, "triples")
    for a, b, c in rng.integers(60, size=(100, 3)).tolist():
        direct = distances(every[a], every[c])
        detour = distances(every[a], every[b]) + distances(every[b], every[c])
        assert (direct <= detour * (1 + 1e-9)).all()


def test_it_equals_a_linear_program_on_50_pairs():
    left, right = profiles(50, seed=1), profiles(50, seed=2)
    for i, (one, other) in enumerate(zip(left, right[1:] + right[:1], strict=True)):
        if i % 2:  # half of the pairs are of one space, whose networks match more
            other = right[i]
        nu = i % len(NUS)
        found, wanted = distances(one, other)[nu], linear_program(one, other, NUS[nu])
        assert found == pytest.approx(wanted, rel=1e-7, abs=1e-6)


def plain(widths, extra=None):
    """A chain of 3x3 convolutions, with one more at a position."""
    net = Wiring(10)
    x = Value(-1, (3, 8, 8))
    for i, width in enumerate(widths):
        x = net.conv(x, width, 3)
        if i == extra:
            x = net.conv(x, width, 3)
    net.linear(net.flatten(net.global_pool(x)), 10)
    return profile(Network((3, 8, 8), tuple(net.layers)), "cnn")


def test_one_layer_more_costs_at_most_its_mass_and_the_structure():
    without, with_one = plain([16, 32, 64]), plain([16, 32, 64], extra=1)
    mass = 32 * 32
    # Input, decision and output have a tenth of the mass of all others each, so they grow too.
    assert with_one.mass - without.mass == pytest.approx(1.3 * mass)
    for nu, found in zip(NUS, distances(without, with_one), strict=True):
        structure = 0.0
        for family, part in without.parts.items():
            # Any plan is an upper bound: each layer goes to its own copy, the new one to nothing.
            _, apart = costs(part, with_one.parts[family])
            kept = [j for j in range(apart.shape[1]) if j != 2] if family == "conv" else range(apart.shape[1])
            structure += sum(part.masses[i] * apart[i, j] for i, j in enumerate(kept))
        assert 0 < found <= 1.3 * mass + nu * structure + 1e-6
    assert distances(without, with_one, (0.0,))[0] <= 1.3 * mass + 1e-6


def test_label_mismatches_are_those_of_the_authors_code():
    conv = {k: Label("conv", "full", k) for k in (3, 5, 7)}
    grouped = {k: Label("conv", "grouped", k) for k in (3, 5, 7)}
    assert mismatch(conv[3], conv[3]) == 0
    assert mismatch(conv[3], conv[5]) == pytest.approx(0.2)
    assert mismatch(conv[3], conv[7]) == pytest.approx(0.2828, abs=1e-4)
    assert mismatch(conv[3], grouped[3]) == pytest.approx(0.1)
    assert mismatch(conv[3], grouped[5]) == pytest.approx(0.9 * 0.2 + 0.1)
    assert mismatch(Label("pool", "max"), Label("pool", "avg")) == 0.5
    assert mismatch(Label("fc", "relu"), Label("fc", "gelu")) == 0.1
    assert mismatch(Label("fc", "sigmoid"), Label("fc", "hardsigmoid")) == 0.1
    assert mismatch(Label("fc", "sigmoid"), Label("fc", "relu")) == 0.25
    assert mismatch(conv[3], Label("pool", "max")) == math.inf


def test_a_network_by_hand():
    net = Wiring(10)
    x = net.act(net.norm(net.conv(Value(-1, (3, 8, 8)), 16, 3)))
    y = net.add(x, net.conv(net.pool(x, "max", 3), 16, 5))
    net.conv(y, 4)  # nobody reads it
    net.linear(net.linear(net.flatten(net.global_pool(y)), 20), 10)
    found = profile(Network((3, 8, 8), tuple(net.layers)), "cnn")
    assert {family: part.masses.tolist() for family, part in found.parts.items()} == {
        "conv": [3 * 16, 16 * 16],
        "pool": [16, 16],
        "fc": [0.1 * 16 * 20],
        "ip": [100],
        "decision": [100],
        "op": [100],
    } | {family: found.parts[family].masses.tolist() for family in ("pool",)}
    conv = found.parts["conv"]
    first = conv.places[[label.kernel for label in conv.labels].index(3)]
    # First convolution to the output: itself, (max pool, conv5,) global pool, fc, decision.
    assert first[:12].reshape(3, 4).tolist() == [
        [4, 1, 1, 1],  # shortest: all, conv, pool, fc
        [6, 2, 2, 1],
        [5, 1.5, 1.5, 1],  # half of the walks take each way
    ]
    assert first[12:].reshape(3, 4).tolist() == [[1, 1, 0, 0]] * 3  # from the input
    assert found.parts["op"].places[0, :12].tolist() == [0] * 12


def test_a_perceptron_is_known_by_its_activations():
    def make(*activations):
        net = Wiring(1)
        x = Value(-1, (5,))
        for kind in activations:
            x = net.act(net.linear(x, 100), kind)
        net.linear(x, 1)
        return profile(Network((5,), tuple(net.layers)), "mlp")

    relu, gelu, sigmoid = make("relu", "relu"), make("relu", "gelu"), make("relu", "sigmoid")
    assert relu.parts["fc"].masses.tolist() == [500, 10_000] or relu.parts["fc"].masses.sum() == 10_500
    assert distances(relu, gelu, (0.0,))[0] == pytest.approx(0.1 * 10_000)
    assert distances(relu, sigmoid, (0.0,))[0] == pytest.approx(0.25 * 10_000)
    assert relu.parts["fc"].places.shape == (2, 18)  # two directions, three statistics, three groups


def test_distances_of_a_space_come_as_matrices():
    space = SPACES["nasbench201"]
    left, right = some(space, 5), some(space, 3, seed=1)
    otmann = Otmann(space)
    far, normalised = otmann(left, right)
    assert far.shape == normalised.shape == (4, 5, 3)
    one, other = otmann.profile(left[2]), otmann.profile(right[1])
    assert far[:, 2, 1] == pytest.approx(distances(one, other))
    assert normalised[:, 2, 1] == pytest.approx(distances(one, other) / (one.mass + other.mass))
    square, _ = otmann(left)
    assert (square == square.transpose(0, 2, 1)).all()
    assert (np.diagonal(square, axis1=1, axis2=2) == 0).all()


def test_what_is_missing_is_said(monkeypatch):
    unbound = Space(SPACES["chain"].tree, name="unbound")
    with pytest.raises(ConfigError, match=r"unbound does not know its input: say space\.bind"):
        Otmann(unbound)
    with pytest.raises(ConfigError, match="nus is"):
        Otmann(SPACES["chain"], nus=())
    monkeypatch.setitem(sys.modules, "ot", None)
    with pytest.raises(ConfigError, match=r"nasturtium\[bo\]"):
        Otmann(SPACES["chain"])
