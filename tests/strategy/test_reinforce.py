"""REINFORCE with one softmax per decision: its gradient is the analytic one, and it solves a bandit."""

from collections import Counter

import numpy as np
import pytest

from nasturtium.errors import ConfigError
from nasturtium.protocols import Candidate, Trial
from nasturtium.seeds import rng_for
from nasturtium.space.blocks import classifier, conv
from nasturtium.space.choice import choice
from nasturtium.space.space import Space
from nasturtium.strategy.reinforce import Adam, Reinforce, Softmaxes
from nasturtium.testing.toys import conditional_space, flat_space, toy_metrics

BEST = (2, 0, 3)


def bandit():
    """Three decisions of four options each, all of them always there."""
    return Space(*(conv(choice(4, 8, 12, 16)) for _ in range(3)), classifier(), name="bandit")


def error(architecture):
    """Share of the decisions that are not those of the best string, 0.9 at most."""
    return 0.3 * sum(taken != best for taken, best in zip(architecture.choices, BEST, strict=True))


def skewed(space, seed=0):
    policy = Softmaxes(space)
    policy.move(rng_for(seed, "logits").normal(size=policy.logits.shape))
    return policy


def slopes(policy, loss, step=1e-6):
    """Central differences of a loss in each logit of each option that there is."""
    logits, found = policy.logits.copy(), np.zeros_like(policy.logits)
    for index in np.ndindex(*logits.shape):
        values = []
        for sign in (1, -1):
            moved = logits.copy()
            moved[index] += sign * step
            policy.move(moved)
            values.append(loss())
        found[index] = (values[0] - values[1]) / (2 * step)
    policy.move(logits)
    return found


def entropy(policy, architecture):
    """Sum of the entropies of the softmaxes of the decisions that exist."""
    rows = [
        row[: len(decision.labels)]
        for row, decision, here in zip(
            policy.probabilities, policy.space.decisions, policy.space.active(architecture), strict=True
        )
        if here
    ]
    return -sum((row * np.log(row)).sum() for row in rows)


@pytest.mark.parametrize("make", [flat_space, conditional_space, bandit])
def test_the_gradient_is_that_of_finite_differences(make):
    space = make()
    policy = skewed(space)
    for rank in range(0, space.count, 37):
        architecture = space.unrank(rank)
        found = policy.gradient(architecture, 0.7, entropy=0.3)
        expected = slopes(
            policy, lambda at=architecture: -0.7 * policy.log_prob(at) - 0.3 * entropy(policy, at)
        )
        assert found == pytest.approx(expected, abs=1e-7)


def test_the_gradient_of_a_bandit_is_the_closed_form():
    """For one softmax d E[R] / d logit_j = p_j (R_j - E[R]); here the mean over all 64 strings."""
    space = bandit()
    policy = skewed(space)
    expected = np.zeros((3, 4))
    for d in range(3):
        reward = 0.3 * (np.arange(4) == BEST[d])  # the others add a constant
        p = policy.probabilities[d]
        expected[d] = p * (reward - p @ reward)
    found = sum(np.exp(policy.log_prob(a)) * policy.gradient(a, 1 - error(a)) for a in space)
    assert -found == pytest.approx(expected, abs=1e-12)


def test_on_conditional_spaces_the_mean_gradient_is_that_of_the_mean_reward_whatever_the_baseline():
    space = conditional_space()
    policy = skewed(space)
    reward = {a: 1 - toy_metrics(space, a)["error"] for a in space}

    def loss():
        return -sum(np.exp(policy.log_prob(a)) * r for a, r in reward.items())

    expected = slopes(policy, loss)
    for baseline in (0.0, 0.5):
        found = sum(np.exp(policy.log_prob(a)) * policy.gradient(a, r - baseline) for a, r in reward.items())
        assert found == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("make", [flat_space, conditional_space])
def test_probabilities_of_all_architectures_sum_to_1(make):
    space = make()
    policy = skewed(space)
    assert sum(np.exp(policy.log_prob(a)) for a in space) == pytest.approx(1)


def test_samples_are_as_frequent_as_they_are_probable():
    space = conditional_space()
    policy = skewed(space)
    drawn = Counter(policy.sample(rng_for(0, "sample", i)) for i in range(4000))
    assert all(a in space for a in drawn)
    for a in space:
        p = np.exp(policy.log_prob(a))
        assert abs(drawn[a] / 4000 - p) <= 5 * np.sqrt(p * (1 - p) / 4000) + 1e-3


def test_logits_far_apart_stay_finite():
    space = bandit()
    policy = Softmaxes(space)
    policy.move(np.full((3, 4), -2000.0))
    assert policy.probabilities == pytest.approx(np.full((3, 4), 0.25))
    policy.move(np.where(np.arange(4) == 1, 2000.0, 0.0) * np.ones((3, 1)))
    assert np.isfinite(policy.gradient(space.unrank(0), 1.0, entropy=0.1)).all()
    assert policy.mode().choices == (1, 1, 1)


def test_adam_takes_steps_of_the_learning_rate_at_first():
    """Kingma and Ba 2015, section 2.1: the first step is the rate times the sign of the gradient."""
    adam = Adam(0.1, (3,))
    assert adam.step(np.array([5.0, -0.001, 0.0])) == pytest.approx([0.1, -0.1, 0.0], abs=1e-5)


def test_adam_is_that_of_torch():
    import torch  # only here: the strategy itself needs none

    start = np.array([1.0, -2.0, 0.5])
    theirs = torch.tensor(start, requires_grad=True)
    optimiser, ours, adam = torch.optim.Adam([theirs], lr=0.05), start.copy(), Adam(0.05, (3,))
    for _ in range(30):
        optimiser.zero_grad()
        (theirs**4).sum().backward()
        optimiser.step()
        ours = ours - adam.step(4 * ours**3)
    assert ours == pytest.approx(theirs.detach().numpy())


@pytest.mark.parametrize("seed", range(3))
def test_a_bandit_of_three_tokens_is_solved_in_2000_samples(seed):
    """The test that catches a loss of -log(reward), which has no gradient in the policy at all."""
    space = bandit()
    strategy = Reinforce(space, seed=seed, learning_rate=0.01)
    best = next(a for a in space if a.choices == BEST)
    for sample in range(2000):
        (candidate,) = strategy.ask(1)
        strategy.tell([Trial(candidate, {"error": error(candidate.point)})])
        if sample == 0:
            assert np.linalg.norm(strategy.policy.logits) > 0
    assert np.exp(strategy.policy.log_prob(best)) > 0.9
    assert strategy.policy.mode() == best


def test_one_result_makes_its_options_likelier_and_a_failure_less_likely():
    space = conditional_space()
    strategy = Reinforce(space, learning_rate=0.1)
    (good,) = strategy.ask(1)
    before = strategy.policy.log_prob(good.point)
    strategy.tell([Trial(good, {"error": 0.1})])
    assert strategy.policy.log_prob(good.point) > before
    second = strategy.ask(1)[0]
    before = strategy.policy.log_prob(second.point)
    strategy.tell([Trial(Candidate(space.unrank(3)), {"error": 0.9})])  # not asked for, but the worst so far
    for _ in range(30):  # against the momentum of Adam
        strategy.tell([Trial(second, {}, "failed", "diverged")])
        strategy._lessons.ask(second.point)
    assert strategy.policy.log_prob(second.point) < before


def test_unasked_results_leave_the_policy_alone():
    space = flat_space()
    strategy = Reinforce(space)
    strategy.tell([Trial(Candidate(space.unrank(5)), {"error": 0.1})])
    assert (strategy.policy.logits == 0).all()
    assert strategy.best(1) == [space.unrank(5)]


@pytest.mark.parametrize("given", [{"learning_rate": 0}, {"entropy": -1}])
def test_parameters_that_make_no_sense_are_refused(given):
    with pytest.raises(ConfigError, match="they must be above 0"):
        Reinforce(flat_space(), **given)
