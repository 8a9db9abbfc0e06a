"""The LSTM that writes architectures."""

import math

import numpy as np
import pytest
import torch

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError, UnknownName
from nasturtium.seeds import rng_for
from nasturtium.strategy.lessons import Lesson
from nasturtium.strategy.policy import Learner, Policy, ppo_loss, reinforce_loss
from nasturtium.testing.toys import conditional_space, flat_space, single_space


def policy(space, units=6, layers=2, seed=0, skips=None, tasks=0):
    made = Policy(space, layers=layers, units=units, seed=seed, skips=skips, tasks=tasks)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.mul_(12)  # away from uniform, so that mistakes show
    return made


def skip_of(space):
    """A decision of two options that is not always there, and one before it that is."""
    skip = next(d for d in space.decisions if len(d.labels) == 2 and not d.always)
    return {skip.path: space.decisions[0].path}


def gradients(made, loss):
    made.zero_grad()
    loss.backward()
    return torch.cat(
        [(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in made.parameters()]
    )


@pytest.mark.parametrize("skips", [False, True])
def test_probabilities_of_all_architectures_of_a_conditional_space_sum_to_1(skips):
    space = conditional_space()
    made = policy(space, skips=skip_of(space) if skips else None)
    with torch.no_grad():
        total = made.read_all(list(space))[0].exp().sum()
    assert float(total) == pytest.approx(1, abs=1e-4)


def test_the_mean_of_the_entropy_sums_is_the_entropy_of_the_distribution():
    """The chain rule of entropy; the entropy of the sampled options alone would not do."""
    space = conditional_space()
    made = policy(space)
    with torch.no_grad():
        log_p, entropies = made.read_all(list(space))
    p = log_p.exp().numpy()
    assert (p * entropies.numpy()).sum() == pytest.approx(-(p * np.log(p)).sum(), rel=1e-4)


def test_what_is_sampled_is_read_with_the_same_probability():
    space = conditional_space()
    made = policy(space)
    for i in range(30):
        said = made.sample(rng_for(0, "sample", i))
        assert said.architecture in space
        assert float(made.read(said.architecture).log_prob.detach()) == pytest.approx(
            float(said.log_prob), rel=1e-6
        )
        assert not said.log_prob.requires_grad


@pytest.mark.parametrize("skips", [False, True])
def test_a_batch_is_read_as_one_by_one(skips):
    space = conditional_space()
    made = policy(space, skips=skip_of(space) if skips else None, tasks=2)
    some = list(space)[::7]
    together = made.read_all(some)
    apart = [made.read(one) for one in some]
    torch.testing.assert_close(together[0], torch.stack([one.log_prob for one in apart]))
    torch.testing.assert_close(together[1], torch.stack([one.entropy for one in apart]))
    torch.testing.assert_close(
        gradients(made, together[0].sum()),
        gradients(made, torch.stack([made.read(one).log_prob for one in some]).sum()),
        rtol=1e-4,
        atol=1e-4,
    )
    assert not torch.allclose(together[0], made.read_all(some, task=0)[0])


def test_the_probability_of_a_decision_depends_on_those_before_it():
    space = flat_space()
    made = policy(space)
    with torch.no_grad():
        log_p = np.array([float(made.read(a).log_prob) for a in space]).reshape(3, 3, 3, 3)
    joint = np.exp(log_p)
    last = joint / joint.sum(axis=3, keepdims=True)  # given the first three
    assert np.ptp(last, axis=(0, 1, 2)).max() > 0.01


def test_weights_start_within_the_published_range_and_draw_from_no_global_generator():
    before = torch.get_rng_state()
    made = Policy(flat_space(), layers=2, units=35, seed=0)
    assert torch.equal(torch.get_rng_state(), before)
    weights = torch.cat([p.detach().flatten() for p in made.parameters()])
    assert 0.079 < float(weights.abs().max()) <= 0.08  # Zoph and Le 2017, section 4.1
    again = Policy(flat_space(), layers=2, units=35, seed=0)
    assert all(torch.equal(a, b) for a, b in zip(made.parameters(), again.parameters(), strict=True))


def test_a_skip_is_a_sigmoid_of_the_attention_between_two_states():
    space = conditional_space()
    skips = skip_of(space)
    made = policy(space, skips=skips)
    index = next(iter(made.anchors))
    states = {0: torch.linspace(-1, 1, 6), index: torch.linspace(1, 2, 6)}
    with torch.no_grad():
        probability = torch.softmax(made._logits(index, states), dim=0)[1]
        q = made.vector.weight[0] @ torch.tanh(
            made.previous.weight @ states[0] + made.current.weight @ states[index]
        )
    assert float(probability) == pytest.approx(float(torch.sigmoid(q)))
    del states[0]  # an anchor that does not exist has the state 0
    assert torch.isfinite(made._logits(index, states)).all()


def test_squashed_skips_come_as_close_to_never_as_to_always():
    # Sheet 01, section 3: ENAS' macro skips have the logits [-q, q], each 1.5 tanh of it.
    space = conditional_space()
    made = Policy(space, layers=1, units=6, seed=0, skips=skip_of(space), tanh=1.5)
    index = next(iter(made.anchors))
    states = {0: torch.linspace(-1, 1, 6), index: torch.linspace(1, 2, 6)}
    with torch.no_grad():
        for scale in (1e3, -1e3):
            made.vector.weight.fill_(scale)
            never, always = torch.softmax(made._logits(index, states), dim=0).tolist()
            assert max(never, always) == pytest.approx(1 / (1 + math.exp(-3)), rel=1e-5)


@pytest.mark.parametrize(
    ("skips", "error", "text"),
    [
        ({"nowhere": "width"}, UnknownName, "unknown decision 'nowhere'"),
        ({"width": "width"}, ConfigError, "its anchor must come before it"),
    ],
)
def test_skips_that_cannot_be_are_refused(skips, error, text):
    with pytest.raises(error, match=text):
        Policy(conditional_space(), layers=1, units=4, seed=0, skips=skips)


def test_the_first_step_of_ppo_goes_the_way_of_reinforce():
    space = conditional_space()
    made = policy(space)
    for rank, advantage in ((5, 0.8), (200, -0.3)):
        architecture = space.unrank(rank)
        log_prob = float(made.read(architecture).log_prob.detach())
        lesson = Lesson(architecture, log_prob, advantage)
        ppo = gradients(made, ppo_loss(made, lesson, 0.01, 0.2))
        reinforce = gradients(made, reinforce_loss(made, lesson, 0.01))
        torch.testing.assert_close(ppo, reinforce, rtol=1e-4, atol=1e-6)
        assert float(ppo.norm()) > 0


@pytest.mark.parametrize(("advantage", "before"), [(1.0, -0.5), (-1.0, 0.5)])
def test_ppo_teaches_nothing_more_once_the_ratio_has_left_the_clip(advantage, before):
    """Schulman et al. 2017, figure 1: flat beyond 1 + clip for the good, and beyond 1 - clip for the bad."""
    space = flat_space()
    made, architecture = policy(space), space.unrank(11)
    log_prob = float(made.read(architecture).log_prob.detach())
    moved_on = Lesson(architecture, log_prob + before, advantage)  # since then it became likelier, or less so
    assert float(gradients(made, ppo_loss(made, moved_on, 0.0, 0.2)).norm()) == 0
    other_way = Lesson(architecture, log_prob - before, advantage)
    assert float(gradients(made, ppo_loss(made, other_way, 0.0, 0.2)).norm()) > 0


def test_a_space_without_decisions_teaches_nothing():
    space = single_space()
    learner = Learner(Policy(space, layers=1, units=3, seed=0), learning_rate=0.1, entropy=0.1)
    lesson = Lesson(Architecture(space.fingerprint, space.unrank(0).choices), 0.0, 1.0)
    learner.reinforce([lesson])
    learner.ppo([lesson], 0.2, 2)
    assert learner.policy.sample(rng_for(0, "sample")).architecture == space.unrank(0)
