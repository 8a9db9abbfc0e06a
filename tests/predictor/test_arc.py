"""The arc kernel: Swersky et al. 2013 (arXiv:1409.4011), section 2."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nasturtium.predictor.arc import ArcEmbedding, positions
from nasturtium.seeds import rng_for
from nasturtium.space.blocks import classifier, conv, optional, repeat
from nasturtium.space.choice import choice
from nasturtium.space.decisions import Decision
from nasturtium.space.space import Space


def layers():
    """Up to six layers, each with a width, a kernel and an activation, and one that may be missing."""
    layer = conv(choice(16, 32, 64), kernel=choice(1, 3, 5), act=choice("relu", "silu", "gelu"))
    return Space(
        repeat(layer, times=choice(1, 2, 3, 4, 5, 6)),
        optional(conv(choice(8, 12, 16))),
        classifier(),
        input_shape=(3, 8, 8),
        outputs=10,
    )


SPACE = layers()


def parameters(seed):
    rng = rng_for(seed, "parameters")
    count = len(SPACE.decisions)
    return np.exp(rng.normal(size=count)), rng.random(count)


def some(count, seed=0):
    return [SPACE.sample(rng_for(seed, "arc", i)) for i in range(count)]


def test_gram_of_200_conditional_points_is_semi_definite_and_that_of_the_formula():
    points, (omega, rho) = some(200), parameters(0)
    embedding = ArcEmbedding(SPACE)
    placed = embedding.embed(embedding.coordinates(points), omega, rho)
    squared = ((placed[:, None] - placed[None]) ** 2).sum(axis=2)
    assert np.linalg.eigvalsh(np.exp(-squared / 2)).min() >= -1e-10
    for i, j in rng_for(0, "pairs").integers(200, size=(1500, 2)).tolist():
        formula = embedding.distances(points[i], points[j], omega, rho)
        assert (formula**2).sum() == pytest.approx(squared[i, j], abs=1e-9)


@given(st.integers(0, 2**32 - 1))
def test_a_decision_that_one_lacks_is_omega_apart_and_that_both_lack_nothing(seed):
    left, right = (SPACE.sample(rng_for(seed, "pair", i)) for i in range(2))
    omega, rho = parameters(seed)
    apart = ArcEmbedding(SPACE).distances(left, right, omega, rho)
    here, there = np.array(SPACE.active(left)), np.array(SPACE.active(right))
    assert (apart[~here & ~there] == 0).all()
    assert apart[here != there] == pytest.approx(omega[here != there])
    same = here & there & (np.array(left.choices) == right.choices)
    assert apart[same] == pytest.approx(0, abs=1e-7)
    assert (apart <= 2 * omega + 1e-12).all()  # reached by the ends of a number at rho = 1


def test_the_ends_of_a_number_are_two_omega_apart_at_rho_one():
    left, right = SPACE.architecture(stage1__times=1), SPACE.architecture(stage1__times=6)
    i = [d.path for d in SPACE.decisions].index("stage1.times")
    omega = np.full(len(SPACE.decisions), 0.7)
    ends = ArcEmbedding(SPACE).distances(left, right, omega, np.ones_like(omega))
    assert ends[i] == pytest.approx(1.4)
    presence_only = ArcEmbedding(SPACE).distances(left, right, omega, np.zeros_like(omega))
    assert presence_only[i] == 0


def test_torch_embeds_like_numpy_and_its_gradient_is_finite():
    points, (omega, rho) = some(20), parameters(1)
    rho[::3] = 1.0
    embedding = ArcEmbedding(SPACE)
    coordinates = embedding.coordinates(points)
    weights = torch.tensor(omega, requires_grad=True), torch.tensor(rho, requires_grad=True)
    placed = embedding.embed(torch.from_numpy(coordinates), *weights, torch)
    assert np.allclose(placed.detach().numpy(), embedding.embed(coordinates, omega, rho), atol=1e-12)
    placed.square().sum().backward()
    assert all(weight.grad.isfinite().all() for weight in weights)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((16, 32, 64), [0, 0.5, 1]),  # geometric: logarithms
        ((1, 2, 3), [0, 0.5, 1]),
        ((7, 3, 5), [1, 0, 0.5]),
        ((0.0, 0.5), [0, 1]),
        ((4,), [0]),
        (("relu", "gelu"), None),
        ((False, True), None),
        ((1, "one"), None),
    ],
)
def test_numbers_are_scaled_to_where_they_are_evenly_spaced(options, expected):
    found = positions(Decision("d", tuple(map(str, options)), options, ((),)))
    assert found == (None if expected is None else pytest.approx(expected))
