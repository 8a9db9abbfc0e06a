"""ENAS against the published alternation and constants (Pham et al. 2018; release melodyguan/enas)."""

import numpy as np
import pytest
import torch

from nasturtium.errors import ConfigError
from nasturtium.protocols import Trial
from nasturtium.seeds import rng_for
from nasturtium.space.zoo.enas import enas_macro
from nasturtium.strategy.enas import ENAS, PolicySearch, anchors_of
from nasturtium.strategy.lessons import Lesson
from nasturtium.strategy.policy import Learner, Policy, reinforce_loss
from nasturtium.testing.toys import flat_space


def course(strategy, space, count, error):
    """Asks one by one and tells; returns what was asked."""
    asked = []
    for _ in range(count):
        (candidate,) = strategy.ask(1)
        asked.append(candidate)
        strategy.tell([Trial(candidate, {"error": error(candidate.point)})])
    return asked


def weights_of(strategy):
    return torch.cat([p.detach().flatten() for p in strategy.policy.parameters()]).clone()


def test_an_epoch_of_weight_steps_alternates_with_rewards_that_train_nothing():
    space = flat_space()
    strategy = ENAS(space, weight_steps=3, controller_steps=2, aggregate=2)
    asked = course(strategy, space, 14, lambda one: 0.5)
    assert [candidate.fidelity for candidate in asked] == [None] * 3 + [0] * 4 + [None] * 3 + [0] * 4


def test_only_rewards_teach_the_policy_one_step_per_aggregate():
    space = flat_space()
    strategy = ENAS(space, weight_steps=2, controller_steps=2, aggregate=2, learning_rate=0.1)
    moved = []
    for _ in range(6):
        before = weights_of(strategy)
        course(strategy, space, 1, lambda one: 0.1 + 0.1 * one.choices[0])
        moved.append(not torch.equal(before, weights_of(strategy)))
    assert moved == [False, False, False, True, False, True]


def test_the_best_are_those_of_the_policys_latest_turn():
    """Rewards of an earlier turn came from other weights: a lucky one there does not stay the best."""
    space = flat_space()
    strategy = ENAS(space, weight_steps=1, controller_steps=1, aggregate=5)
    first = course(strategy, space, 6, lambda one: 0.01)[1:]
    assert set(strategy.best(9)) == {candidate.point for candidate in first}
    second = course(strategy, space, 6, lambda one: 0.5 + 0.01 * sum(one.choices))[1:]
    latest = {candidate.point for candidate in second}
    assert set(strategy.best(9)) == latest
    assert strategy.best(1)[0] == min(latest, key=lambda one: (sum(one.choices), strategy.best(9).index(one)))


def test_it_finds_the_best_string_of_a_bandit():
    """3 tokens of 4 options: P(best) above 0.9 within 2,000 samples."""
    from nasturtium import blocks as b
    from nasturtium.space.choice import choice
    from nasturtium.space.space import Space

    rows = (b.conv(choice(1, 2, 3, 4, name=name)) for name in "abc")
    space = Space(*rows, b.classifier(), input_shape=(1, 4, 4), outputs=2)
    aim = (2, 0, 3)
    settings = {"weight_steps": 0, "controller_steps": 1, "aggregate": 5, "units": 16, "tanh": 6.0}
    strategy = ENAS(space, **settings, learning_rate=0.05, decay=0.9)
    course(strategy, space, 800, lambda one: sum(a != c for a, c in zip(aim, one.choices, strict=True)) / 3)
    best = type(space.unrank(0))(space.fingerprint, aim)
    assert float(strategy.policy.read(best).log_prob.detach().exp()) > 0.9


def test_the_policy_gradient_is_that_of_the_expected_reward():
    """Summed over the toy's architectures by their probabilities, any baseline: d E[reward] exactly."""
    space = flat_space()
    policy = Policy(space, layers=1, units=5, seed=1, spread=0.5, tanh=1.5, temperature=2.0)
    rewards = {one: rng_for(0, "reward", space.rank(one)).random() for one in space}
    expected = sum(policy.read(one).log_prob.exp() * reward for one, reward in rewards.items())
    exact = torch.autograd.grad(expected, list(policy.parameters()), allow_unused=True)
    chance = {one: float(policy.read(one).log_prob.detach().exp()) for one in rewards}
    total = sum(
        chance[one] * reinforce_loss(policy, Lesson(one, 0.0, reward - 0.3), 0.0)
        for one, reward in rewards.items()
    )
    found = torch.autograd.grad(total, list(policy.parameters()), allow_unused=True)
    for wanted, given in zip(exact, found, strict=True):
        assert (wanted is None) == (given is None)
        if wanted is not None:
            torch.testing.assert_close(-given, wanted, rtol=1e-3, atol=1e-6)


def test_logits_are_squashed():
    space = flat_space()
    wild = Policy(space, layers=1, units=5, seed=0, spread=50.0, tanh=1.5)
    sizes = [len(decision.labels) for decision in space.decisions]
    # The least likely option has at least exp(-1.5) against exp(1.5) for all others.
    least = sum(np.log(np.exp(-1.5) / (np.exp(-1.5) + (size - 1) * np.exp(1.5))) for size in sizes)
    assert all(float(wild.read(one).log_prob.detach()) >= least - 1e-5 for one in list(space)[:50])


def test_anchors_of_the_macro_space_are_the_operations_of_the_layers_read():
    anchors = anchors_of(enas_macro())
    assert anchors["layer3.layer1"] == "layer1.op"
    assert anchors["layer6.layer4"] == "layer4.op"
    assert len(anchors) == 10  # of 15 skips 5 are from the stem
    assert len(anchors_of(enas_macro("published"))) == 55


def test_the_divergence_is_that_of_the_skips_from_the_wanted_share():
    space = enas_macro()
    policy = Policy(space, layers=1, units=4, seed=0, skips=anchors_of(space), spread=1.0, skip_share=0.4)
    one = space.sample(rng_for(0, "one"))
    learner = Learner(policy, learning_rate=0.05, entropy=0.0, divergence=0.8)
    before = float(policy.read(one).divergence.detach())
    assert before > 0
    for _ in range(60):
        learner.reinforce([Lesson(one, 0.0, 0.0)])  # no advantage: the skips alone are learnt
    assert 0 <= float(policy.read(one).divergence.detach()) < 0.1 * before


def test_policy_search_draws_from_the_policy_and_keeps_the_best():
    space = flat_space()
    policy = Policy(space, layers=1, units=4, seed=0)
    strategy = PolicySearch(space, policy, seed=3)
    asked = course(strategy, space, 8, lambda one: sum(one.choices))
    assert [c.point for c in asked] == [c.point for c in PolicySearch(space, policy, seed=3).ask(8)]
    assert sum(strategy.best(1)[0].choices) == min(sum(c.point.choices) for c in asked)


@pytest.mark.parametrize(
    "wrong", [{"weight_steps": -1}, {"aggregate": 0}, {"tanh": 0.0}, {"skip_share": 1.0}, {"entropy": -1.0}]
)
def test_parameters_out_of_range_are_refused(wrong):
    with pytest.raises(ConfigError):
        ENAS(flat_space(), **wrong)
