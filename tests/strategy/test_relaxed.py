"""Gradients of the strategies' own numbers: against autograd, and against enumeration of what they draw."""

import itertools
import math

import numpy as np
import pytest
import torch
from scipy.special import betainc, betaincinv
from torch.distributions import Dirichlet

from nasturtium.architecture import Mixture
from nasturtium.errors import ConfigError
from nasturtium.protocols import Trial
from nasturtium.seeds import rng_for
from nasturtium.space.blocks import classifier, conv
from nasturtium.space.choice import choice
from nasturtium.space.space import Space
from nasturtium.space.zoo.darts_search import darts_search_of, to_genotype
from nasturtium.strategy.adam import Adam
from nasturtium.strategy.darts import DARTS
from nasturtium.strategy.darts_minus import DARTSMinus
from nasturtium.strategy.drnas import DrNAS, pathwise
from nasturtium.strategy.gdas import GDAS
from nasturtium.strategy.pc_darts import PCDARTS
from nasturtium.strategy.proxyless import ProxylessNAS
from nasturtium.strategy.relaxed import Rows
from nasturtium.strategy.snas import SNAS
from nasturtium.testing.toys import flat_space

DRAWS = 4000
SLOPE = np.array([0.7, -0.4, 1.3])  # of the toy: d loss / d weight at a one-hot mixture


def toy():
    """One decision of three options."""
    return Space(conv(choice(4, 8, 12)), classifier(), name="toy", input_shape=(1, 8, 8), outputs=10)


def set_to(strategy, *numbers):
    strategy.alpha = np.array(numbers, dtype=np.float64)
    return strategy


def quadratic(weights):
    """A loss that is not linear in the mixture, and its gradient."""
    target = torch.linspace(-1, 1, len(weights), dtype=torch.float64)
    return ((weights - target) ** 2).sum() + (weights * target).sum() ** 3


def slope_at(mixture):
    weights = torch.tensor(np.concatenate(mixture.weights), requires_grad=True)
    (slope,) = torch.autograd.grad(quadratic(weights), weights)
    return slope.numpy()


def soft_rows(alpha, sizes):
    return torch.cat([torch.softmax(row, 0) for row in torch.split(alpha, sizes)])


def autograd(strategy, weights_of):
    alpha = torch.tensor(strategy.alpha, requires_grad=True)
    (slope,) = torch.autograd.grad(quadratic(weights_of(alpha)), alpha)
    return slope.numpy()


def spread(space, kind, **given):
    strategy = kind(space, seed=3, **given)
    strategy.alpha = rng_for(1, "alpha").standard_normal(len(strategy.alpha))
    return strategy


def mean_slope(strategy, gradient):
    """Mean and standard error of what draws say, [entries]."""
    slopes = []
    for number in range(DRAWS):
        draw = strategy.draw(number)
        slopes.append(draw.slope(gradient(draw.point)))
    found = np.array(slopes)
    return found.mean(0), found.std(0, ddof=1) / math.sqrt(DRAWS)


def test_the_softmax_of_darts_is_autograd_to_1e_8():
    space = flat_space()
    strategy = spread(space, DARTS)
    draw = strategy.draw(0)
    expected = autograd(strategy, lambda alpha: soft_rows(alpha, strategy.rows.sizes))
    np.testing.assert_allclose(draw.slope(slope_at(draw.point)), expected, rtol=1e-10, atol=1e-12)


def test_darts_minus_adds_beta_to_skips_and_takes_none_of_the_gradient_away():
    space = darts_search_of(4, (False, True), "tiny")
    strategy = spread(space, DARTSMinus, steps=10)
    skips = torch.tensor(strategy.rows.labelled("skip_connect"))
    for number, beta in ((0, 1.0), (5, 0.5), (10, 0.0), (99, 0.0)):
        draw = strategy.draw(number)
        plain = strategy.rows.softmax(strategy.alpha)
        np.testing.assert_allclose(np.concatenate(draw.point.weights), plain + beta * skips.numpy())
        expected = autograd(strategy, lambda a, b=beta: soft_rows(a, strategy.rows.sizes) + b * skips)
        np.testing.assert_allclose(draw.slope(slope_at(draw.point)), expected, rtol=1e-9, atol=1e-10)
    assert sum(strategy.mixture().weights[0]) == pytest.approx(1)


def test_snas_is_autograd():
    space = flat_space()
    rows = Rows(space)
    strategy = spread(space, SNAS, steps=100)
    draw = strategy.draw(40)
    noise = torch.tensor(rng_for(3, "snas", 40).gumbel(size=len(strategy.alpha)))
    heat = 0.03**0.4
    alpha = torch.tensor(strategy.alpha, requires_grad=True)
    logs = torch.cat([torch.log_softmax(row, 0) for row in torch.split(alpha, rows.sizes)])
    weights = soft_rows((logs + noise) / heat, rows.sizes)
    (expected,) = torch.autograd.grad(quadratic(weights), alpha)
    np.testing.assert_allclose(np.concatenate(draw.point.weights), weights.detach().numpy(), rtol=1e-10)
    np.testing.assert_allclose(draw.slope(slope_at(draw.point)), expected.numpy(), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("kind", [DARTS, DARTSMinus, DrNAS, GDAS, PCDARTS, ProxylessNAS, SNAS])
def test_what_the_mean_mixture_costs_has_its_exact_gradient_whatever_was_drawn(kind):
    # Cai et al. 2019, ProxylessNAS, eq. 5: against central differences of the cost at `mixture`.
    space = darts_search_of(4, (False, True), "tiny", ops=("skip_connect", "sep_conv_3x3"), edges=True)
    strategy = spread(space, kind)

    def cost_at(alpha):
        strategy.alpha = alpha
        weights = np.concatenate(strategy.mixture().weights)
        return float(((weights - 0.2) ** 3).sum())

    start = strategy.alpha.copy()
    steps = 1e-6 * np.eye(len(start))
    expected = [(cost_at(start + step) - cost_at(start - step)) / 2e-6 for step in steps]
    strategy.alpha = start
    slope = 3 * (np.concatenate(strategy.mixture().weights) - 0.2) ** 2
    np.testing.assert_allclose(strategy.through_mixture(slope), expected, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("kind", [DARTS, DARTSMinus, DrNAS, GDAS, PCDARTS, ProxylessNAS, SNAS])
def test_a_price_moves_the_numbers_beside_the_loss(kind):
    def seen(strategy, gradient):
        slopes = []
        strategy._adam.moved = lambda alpha, slope: slopes.append(slope) or alpha
        (asked,) = strategy.ask(2)[1:]  # ProxylessNAS asks for a pair every other time
        strategy.tell([Trial(asked, {"loss": 1.5}, gradient=gradient)])
        return slopes[0]

    gradient = rng_for(1, "gradient").standard_normal(12)
    plain = seen(spread(flat_space(), kind), gradient)
    dearer = np.arange(12.0)
    dear = spread(flat_space(), kind, price=lambda mixture, loss: (2.0, loss * dearer))
    exact = dear.through_mixture(1.5 * dearer)
    np.testing.assert_allclose(seen(dear, gradient), 2 * plain + exact, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", [DARTS, DARTSMinus, DrNAS, GDAS, PCDARTS, ProxylessNAS, SNAS])
def test_options_of_derived_cells_alone_are_never_mixed_and_never_move(kind):
    space = darts_search_of(4, (False, True), "tiny", ops=("skip_connect", "sep_conv_3x3"), edges=True)
    strategy = kind(space, seed=1)
    never = strategy.rows.labelled("off") | strategy.rows.labelled("all")
    assert never.sum() == 28 + 8
    for turn in range(6):
        (asked,) = strategy.ask(1)
        if isinstance(asked.point, Mixture):
            assert np.concatenate(asked.point.weights)[never].max() == 0
            gradient = rng_for(turn, "gradient").standard_normal(len(never))
            strategy.tell([Trial(asked, {"loss": 1.0}, gradient=np.where(never, 0.0, gradient))])
            assert np.isfinite(strategy.alpha).all()
        else:
            taken = np.array(asked.point.choices) == [len(d.labels) - 1 for d in space.decisions]
            assert not taken.any()
    assert np.concatenate(strategy.mixture().weights)[never].max() == 0
    strategy.tell([Trial(one, {"loss": 1.0}) for one in strategy.ask(1)])
    assert to_genotype(space, strategy.best(1)[0])


def test_pc_darts_never_mixes_what_stands_for_a_derived_cell():
    space = darts_search_of(4, (False, True), "tiny", partial=4, edges=True)
    strategy = spread(space, PCDARTS)
    mixture = strategy.draw(0).point
    for decision, row in zip(space.decisions, mixture.weights, strict=True):
        assert sum(row) == pytest.approx(1)
        if decision.path.endswith(".edges"):
            assert row[decision.labels.index("all")] == 0
    assert strategy.draw(0).slope(np.ones(len(strategy.alpha))).max() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("tau", [2.0, 0.5])
def test_gdas_is_biased_as_published(tau):
    """E over Gumbel noise of the straight-through slope, integrated on a grid of the noise of each option."""
    strategy = set_to(GDAS(toy(), tau=(tau, tau)), 0.3, -0.2, 0.1)
    mean, error = mean_slope(strategy, lambda point: SLOPE * np.array(point.weights[0]))
    # By enumeration: quantiles of the Gumbel distribution, 60 to an option.
    quantiles = -np.log(-np.log((np.arange(60) + 0.5) / 60))
    noise = np.array(list(itertools.product(quantiles, repeat=3)))
    logits = strategy.alpha + noise
    soft = np.exp(logits / tau)
    soft /= soft.sum(1, keepdims=True)
    gradient = SLOPE * (np.arange(3) == logits.argmax(1)[:, None])
    slopes = soft * (gradient - (soft * gradient).sum(1, keepdims=True)) / tau
    z = (mean - slopes.mean(0)) / error
    assert np.abs(z).max() < 3.5, z
    probabilities = strategy.rows.softmax(strategy.alpha)
    true = probabilities * (SLOPE - probabilities @ SLOPE)
    assert np.abs((mean - true) / error).max() > 5, "it should be biased"


def test_gdas_runs_only_the_option_drawn_and_draws_it_by_its_probability():
    strategy = set_to(GDAS(toy()), 0.5, -0.5, 0.0)
    points = [strategy.draw(number).point for number in range(DRAWS)]
    assert {point.running for point in points} == {((0,),), ((1,),), ((2,),)}
    counts = np.array([point.weights[0] for point in points]).sum(0)
    expected = DRAWS * strategy.rows.softmax(strategy.alpha)
    assert ((counts - expected) ** 2 / expected).sum() < 13.8  # chi-square of 2 degrees, p = 0.001


def test_proxyless_two_paths_are_biased_as_published():
    """Enumerates pairs without replacement and gates; against the true gradient, pairs shrink the slope."""
    strategy = set_to(ProxylessNAS(toy(), every=1), 0.3, -0.2, 0.1)
    mean, error = mean_slope(strategy, lambda point: SLOPE * np.isin(np.arange(3), point.running[0]))
    p = strategy.rows.softmax(strategy.alpha)
    expected = np.zeros(3)
    for first, second in itertools.permutations(range(3), 2):
        chance = p[first] * p[second] / (1 - p[first])
        pair = np.isin(np.arange(3), (first, second))
        among = np.where(pair, p, 0) / p[pair].sum()
        # The gate is drawn too; with slopes that do not depend on it, all gates say the same.
        expected += chance * among * (SLOPE - among @ SLOPE)
    z = (mean - expected) / error
    assert np.abs(z).max() < 3.5, z
    true = p * (SLOPE - p @ SLOPE)
    assert np.sign(expected).tolist() == np.sign(true).tolist()
    assert np.abs(expected - true).max() > 0.01


def test_proxyless_gates_follow_the_softmax_of_the_pair():
    strategy = set_to(ProxylessNAS(toy(), every=1), 1.0, 0.0, -1.0)
    gates = {}
    for number in range(DRAWS):
        point = strategy.draw(number).point
        gates.setdefault(point.running[0], []).append(point.weights[0].index(1.0))
    for pair, taken in gates.items():
        odds = np.exp(strategy.alpha[list(pair)])
        share, wanted = np.mean(np.array(taken) == pair[0]), odds[0] / odds.sum()
        assert abs(share - wanted) < 3.5 * math.sqrt(wanted * (1 - wanted) / len(taken)), pair


def test_proxyless_leaves_the_probabilities_of_other_options_alone():
    space = flat_space()
    strategy = ProxylessNAS(space, every=1, learning_rate=0.1)
    for turn in range(20):
        before = strategy.rows.softmax(strategy.alpha)
        (candidate,) = strategy.ask(1)
        gradient = rng_for(turn, "gradient").standard_normal(len(before))
        strategy.tell([Trial(candidate, {"loss": 1.0}, gradient=gradient)])
        after, start = strategy.rows.softmax(strategy.alpha), 0
        for size, runs in zip(strategy.rows.sizes, candidate.point.running, strict=True):
            others = [start + i for i in range(size) if i not in runs]
            np.testing.assert_allclose(after[others], before[others], rtol=1e-12)
            start += size
        assert np.abs(after - before).max() > 1e-4


def test_pathwise_derivatives_of_a_dirichlet_are_those_of_its_quantiles():
    """And torch's, whose rational approximation is good to about a thousandth."""
    rng = rng_for(0, "dirichlet")
    for _ in range(20):
        a = rng.uniform(0.2, 4, 5)
        weights, total = rng.dirichlet(a), np.full(5, a.sum())
        found, step = pathwise(weights, a, total), 1e-5
        place = betainc(a, total - a, weights)
        moved = betaincinv(a + step, total - a, place) - betaincinv(a - step, total - a, place)
        np.testing.assert_allclose(found, moved / (2 * step) / (1 - weights), rtol=1e-4)
        theirs = torch._dirichlet_grad(*(torch.tensor(x) for x in (weights, a, total)))
        np.testing.assert_allclose(found, theirs.numpy(), rtol=3e-3)


def test_drnas_is_unbiased():
    """The slope of E[s w + (s w)^2] in closed form, by the first two moments of the Dirichlet."""
    strategy = set_to(DrNAS(toy(), penalty=0.0), 0.6, -0.7, 0.2)

    def gradient(point):
        along = SLOPE @ np.array(point.weights[0])
        return SLOPE * (1 + 2 * along)

    mean, error = mean_slope(strategy, gradient)
    alpha = torch.tensor(strategy.alpha, requires_grad=True)
    law = Dirichlet(torch.nn.functional.elu(alpha) + 1)
    s = torch.tensor(SLOPE)
    expected_loss = (law.mean * s).sum() + (law.mean * s).sum() ** 2
    total = law.concentration.sum()
    covariance = (torch.diag(law.mean) - torch.outer(law.mean, law.mean)) / (total + 1)
    expected_loss = expected_loss + s @ covariance @ s
    (expected,) = torch.autograd.grad(expected_loss, alpha)
    z = (mean - expected.numpy()) / error
    assert np.abs(z).max() < 3.5, z


def test_drnas_pulls_concentrations_to_1():
    strategy = set_to(DrNAS(toy(), penalty=0.5), 1.5, -0.5, 0.0)
    alpha = torch.tensor(strategy.alpha, requires_grad=True)
    (expected,) = torch.autograd.grad(0.5 * (torch.nn.functional.elu(alpha) ** 2).sum(), alpha)
    np.testing.assert_allclose(strategy.draw(0).slope(np.zeros(3)), expected.numpy(), rtol=1e-12)


def test_adam_is_torchs():
    start, rng = np.linspace(-1, 1, 4), rng_for(0, "adam")
    ours, theirs = start.copy(), torch.tensor(start, requires_grad=True)
    mine = Adam(3e-2, 4, betas=(0.5, 0.999), weight_decay=1e-3)
    other = torch.optim.Adam([theirs], lr=3e-2, betas=(0.5, 0.999), weight_decay=1e-3)
    for _ in range(10):
        gradient = rng.standard_normal(4)
        ours = mine.moved(ours, gradient)
        theirs.grad = torch.tensor(gradient)
        other.step()
    np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=1e-12)


def test_the_toy_of_one_edge_picks_2x():
    """Options {x, 0, 2x}, target 2x: the sheet's toy; loss (w0 + 2 w2 - 2)^2, under 200 steps."""
    strategy = DARTS(toy(), learning_rate=0.02)
    for _ in range(200):
        (candidate,) = strategy.ask(1)
        w = np.array(candidate.point.weights[0])
        out = w @ [1.0, 0.0, 2.0]
        trial = Trial(candidate, {"loss": (out - 2) ** 2}, gradient=2 * (out - 2) * np.array([1.0, 0.0, 2.0]))
        strategy.tell([trial])
    assert strategy.best(1)[0].choices == (2,)


def test_answers_that_come_late_go_through_the_jacobian_of_their_own_draw():
    first, second = DrNAS(toy(), seed=1), DrNAS(toy(), seed=1)
    asked = first.ask(2)
    assert second.ask(2) == asked
    gradient = np.array([1.0, -1.0, 0.5])
    first.tell([Trial(one, {}, gradient=gradient) for one in asked])
    slopes = [second.draw(number).slope(gradient) for number in (0, 1)]
    adam, alpha = Adam(6e-4, 3, betas=(0.5, 0.999)), second.alpha
    for slope in slopes:
        alpha = adam.moved(alpha, slope)
    np.testing.assert_allclose(first.alpha, alpha, rtol=1e-12)


def test_what_was_told_is_not_kept():
    strategy = GDAS(toy())
    for _ in range(50):
        strategy.tell([Trial(one, {}, gradient=np.ones(3)) for one in strategy.ask(2)])
    assert len(strategy._waiting) == 0


def test_warm_up_asks_for_no_gradient():
    strategy = DARTS(toy(), warmup=3)
    assert [one.fidelity for one in strategy.ask(5)] == [1, 1, 1, None, None]


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (DARTS, {"learning_rate": 0}),
        (DARTSMinus, {"steps": 0}),
        (GDAS, {"tau": (1.0, 0.0)}),
        (SNAS, {"temperature": (0.0, 1.0)}),
        (ProxylessNAS, {"every": 0}),
        (DrNAS, {"penalty": -1}),
    ],
)
def test_settings_that_make_no_sense_are_refused(kind, given):
    with pytest.raises(ConfigError):
        kind(toy(), **given)


def test_a_mixture_of_a_conditional_space_has_a_row_for_every_decision():
    space = flat_space()
    mixture = DARTS(space).mixture()
    assert isinstance(mixture, Mixture)
    assert [len(row) for row in mixture.weights] == [len(d.labels) for d in space.decisions]
