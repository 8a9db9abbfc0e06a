"""The second-order gradient against closed forms, and against differentiating twice."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from nasturtium.architecture import Mixture
from nasturtium.evaluate.gradient import first_order
from nasturtium.evaluate.ranks import Ranks
from nasturtium.evaluate.recipe import Recipe
from nasturtium.evaluate.training import Pair
from nasturtium.evaluate.unrolled import Unrolled, second_order
from nasturtium.net.supernet import Supernet
from nasturtium.protocols import Candidate
from nasturtium.seeds import rng_for
from nasturtium.space.blocks import classifier, conv
from nasturtium.space.choice import choice
from nasturtium.space.space import Space
from nasturtium.space.zoo.nasbench201 import nasbench201

RATE, MOMENTUM, DECAY = 0.1, 0.9, 0.03


class Stand:
    """As much of a `Training` as a gradient sees: weights, their optimiser, and losses in float64."""

    def __init__(self, supernet, losses, rate=RATE):
        self.supernet, self.losses = supernet, losses
        self.optimizer = torch.optim.SGD(supernet.parameters(), rate, MOMENTUM, weight_decay=DECAY)
        for number, one in enumerate(supernet.parameters()):
            buffer = torch.from_numpy(rng_for(number, "buffer").standard_normal(one.shape))
            self.optimizer.state[one]["momentum_buffer"] = 0.1 * buffer
        self.recipe, self.ranks = Recipe(label_smoothing=0.1), Ranks()


class Feed:
    def __init__(self, pair):
        self.pair = pair

    def peek(self):
        return self.pair


def tensor(*shape, seed):
    return torch.from_numpy(rng_for(seed, "unrolled").standard_normal(shape))


def quadratic():
    """L_train = w A w / 2 + w B p and L_val = |w - C p|^2 / 2 + d p, with what is to be found."""
    size, options = 6, 3
    root = tensor(size, size, seed=0)
    a, b, c, d = (
        root @ root.T / size,
        tensor(size, options, seed=1),
        tensor(size, options, seed=2),
        tensor(options, seed=3),
    )
    model = torch.nn.Module()
    model.w = torch.nn.Parameter(tensor(size, seed=4))

    def losses(mixture, pair, weights=None, *, smoothing=0.0):
        p = torch.tensor(mixture.weights[0], dtype=torch.float64) if weights is None else weights[0]
        w, zero = model.w, torch.zeros(())
        if pair.labels is None:
            return 0.5 * w @ a @ w + w @ b @ p, zero
        return 0.5 * ((w - c @ p) ** 2).sum() + d @ p, zero

    stand = Stand(model, losses)
    p = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
    w, buffer = model.w.detach(), stand.optimizer.state[model.w]["momentum_buffer"]
    moved = w - RATE * (MOMENTUM * buffer + a @ w + b @ p + DECAY * w)
    v = moved - c @ p
    exact = (d - c.T @ v) - RATE * (b.T @ v)
    image = torch.zeros(1, dtype=torch.float64)
    pairs = Pair(image, None), Pair(image, torch.zeros(1))
    return stand, Candidate(Mixture("", ((0.5, 0.3, 0.2),))), pairs, exact.numpy()


@pytest.mark.parametrize("given", [second_order, Unrolled(exact=True)])
def test_on_a_quadratic_it_is_the_closed_form(given):
    stand, candidate, (train, valid), exact = quadratic()
    found = given(stand, candidate, valid, Feed(train))
    np.testing.assert_allclose(found.gradient, exact, rtol=1e-8)
    first = first_order(stand, candidate, valid, Feed(train))
    assert np.abs(first.gradient - exact).max() > 0.01, "the second order should matter here"


def smooth():
    """A space without ReLU and max pooling: the gradients of its networks are differentiable."""
    return Space(
        conv(8, kernel=choice(1, 3, 5), act="silu"),
        conv(16, kernel=choice(1, 3), stride=2, act="tanh"),
        classifier(),
        name="smooth",
    )


def network(norms="batch", space=None):
    """A supernet on 8x8 images in float64, of NAS-Bench-201 unless a space is given."""
    space = (space or nasbench201()).bind((1, 8, 8), 3)
    supernet = Supernet(space, norms=norms, affine=norms == "running").double()
    images = [tensor(16, 1, 8, 8, seed=seed) for seed in (5, 6)]
    labels = torch.arange(16) % 3

    def losses(mixture, pair, weights=None, *, smoothing=0.0):
        weights = weights or [torch.tensor(row, dtype=torch.float64) for row in mixture.weights]
        logits = supernet(pair.images, mixture, weights)
        wrong = (logits.argmax(1) != pair.labels).double().mean()
        return functional.cross_entropy(logits, pair.labels, label_smoothing=smoothing), wrong

    rng = rng_for(0, "mixture")
    mixture = Mixture(
        space.fingerprint, tuple(tuple(rng.dirichlet([2.0] * len(d.labels))) for d in space.decisions)
    )
    train, valid = (Pair(one, labels) for one in images)
    return Stand(supernet, losses, rate=0.025), Candidate(mixture), train, valid


def test_on_a_network_the_difference_is_the_exact_term_to_its_own_error(monkeypatch):
    """Errors of the second term alone, relative to it: small ones fall with the square of the radius."""
    stand, candidate, train, valid = network(space=smooth())
    exact = Unrolled(exact=True)(stand, candidate, valid, Feed(train)).gradient
    with monkeypatch.context() as patch:
        patch.setattr(
            "nasturtium.evaluate.unrolled.cross", lambda at, v: [torch.zeros_like(row) for row in at.rows]
        )
        direct = Unrolled(exact=True)(stand, candidate, valid, Feed(train)).gradient
    errors = {}
    for radius in (1.0, 0.1, 0.01, 0.001):
        found = Unrolled(radius=radius)(stand, candidate, valid, Feed(train)).gradient
        errors[radius] = np.linalg.norm(found - exact) / np.linalg.norm(exact - direct)
    print({radius: f"{error:.1e}" for radius, error in errors.items()})
    assert errors[0.001] == pytest.approx(errors[0.01] / 100, rel=0.3), errors
    assert errors[0.01] < 0.01, errors  # the published radius


def test_exact_is_the_derivative_of_the_loss_after_the_step():
    """Differences of L_val(w'(p), p) itself, w' being made anew for each p.

    They are small, because the gradient of a network of ReLUs jumps where one of them is 0.
    """
    stand, candidate, train, valid = network()
    found = Unrolled(exact=True)(stand, candidate, valid, Feed(train)).gradient
    parameters = list(stand.supernet.parameters())
    start = [one.detach().clone() for one in parameters]

    def after(rows):
        mixture = Mixture(candidate.point.space, tuple(tuple(row) for row in rows))
        loss, _ = stand.losses(mixture, train, smoothing=0.1)
        slopes = torch.autograd.grad(loss, parameters, allow_unused=True)
        with torch.no_grad():
            for one, slope in zip(parameters, slopes, strict=True):
                buffer = stand.optimizer.state[one]["momentum_buffer"]
                step = MOMENTUM * buffer + DECAY * one
                one -= 0.025 * (step if slope is None else step + slope)
            value = float(stand.losses(mixture, valid)[0])
            for one, was in zip(parameters, start, strict=True):
                one.copy_(was)
        return value

    for entry in (1, 3, 12, 28):
        sides = []
        for move in (1e-8, -1e-8):
            rows = [list(row) for row in candidate.point.weights]
            rows[entry // 5][entry % 5] += move
            sides.append(after(rows))
        assert found[entry] == pytest.approx((sides[0] - sides[1]) / 2e-8, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("given", [second_order, Unrolled(exact=True)])
def test_weights_and_statistics_are_left_to_the_bit(given):
    stand, candidate, train, valid = network("running")
    before = {name: one.clone() for name, one in stand.supernet.state_dict().items()}
    given(stand, candidate, valid, Feed(train))
    for name, one in stand.supernet.state_dict().items():
        assert torch.equal(one, before[name]), name


def test_of_a_learning_rate_of_0_it_is_first_order():
    stand, candidate, train, valid = network()
    stand.optimizer.param_groups[0]["lr"] = 0.0
    found = second_order(stand, candidate, valid, Feed(train))
    first = first_order(stand, candidate, valid, Feed(train))
    np.testing.assert_allclose(found.gradient, first.gradient, rtol=1e-12)
    assert (found.loss, found.error) == pytest.approx((first.loss, first.error))
