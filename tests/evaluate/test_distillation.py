"""Divergences by their definitions, and steps in which smaller networks learn from the largest."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from nasturtium import blocks as b
from nasturtium import choice
from nasturtium.errors import ConfigError
from nasturtium.evaluate.distillation import AdaptiveAlpha, Distillation, soft_targets
from nasturtium.evaluate.recipe import Recipe
from nasturtium.evaluate.training import Feed, Training
from nasturtium.net.extract import extract
from nasturtium.net.supernet import Supernet
from nasturtium.protocols import Candidate
from nasturtium.space.space import Space

RECIPE = Recipe(epochs=1, batch_size=32, augment="none", momentum=0.0, label_smoothing=0.1, threads=1)


def logits(seed, spread=1.0):
    generator = torch.Generator().manual_seed(seed)
    return spread * torch.randn(6, 5, generator=generator, dtype=torch.float64)


def exact(alpha, student, teacher):
    """AlphaNet, eq. 4, with its limits at 0 and 1, [images]."""
    p, q = teacher.softmax(1), student.softmax(1)
    if alpha == 1:
        return (p * (p / q).log()).sum(1)
    if alpha == 0:
        return (q * (q / p).log()).sum(1)
    return (q * ((p / q) ** alpha - 1)).sum(1) / (alpha * (alpha - 1))


def test_soft_targets_are_the_kullback_leibler_divergence_and_the_teachers_entropy():
    student, teacher = logits(0), logits(1)
    p = teacher.softmax(1)
    divergence = functional.kl_div(student.log_softmax(1), p, reduction="batchmean")
    entropy = -(p * p.log()).sum(1).mean()
    torch.testing.assert_close(soft_targets(student, teacher), divergence + entropy)


@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (-0.5, 0.5), (0.0, 2.0)])
def test_without_a_limit_the_larger_alpha_divergence_and_its_gradient_are_exact(low, high):
    student, teacher = logits(0).requires_grad_(), logits(1)
    wanted = torch.maximum(exact(low, student, teacher), exact(high, student, teacher)).mean()
    found = AdaptiveAlpha(low, high, limit=1e9)(student, teacher)
    torch.testing.assert_close(found, wanted)
    (mine,), (theirs,) = (torch.autograd.grad(loss, student) for loss in (found, wanted))
    torch.testing.assert_close(mine, theirs)


def test_equal_answers_have_no_divergence():
    assert AdaptiveAlpha()(logits(0), logits(0)).abs() < 1e-12


def test_the_limit_bounds_the_gradient():
    student, teacher = logits(0, 8.0).requires_grad_(), logits(1, 8.0)
    bounded, free = (
        torch.autograd.grad(AdaptiveAlpha(limit=limit)(student, teacher), student)[0] for limit in (5.0, 1e9)
    )
    assert bounded.abs().max() < 1.0 < free.abs().max()


def test_a_student_that_is_far_less_sure_learns_as_by_the_kullback_leibler_divergence():
    # Sheet 08, section 8: rho is w itself where alpha is 1, and q w is the teacher's p, however many classes.
    student = torch.zeros(4, 1000, dtype=torch.float64, requires_grad=True)
    teacher = torch.zeros(4, 1000, dtype=torch.float64)
    teacher[:, 3] = 30.0
    mine, theirs = (
        torch.autograd.grad(loss(student, teacher), student)[0] for loss in (AdaptiveAlpha(), soft_targets)
    )
    torch.testing.assert_close(mine, theirs)
    assert mine[0, 3] == pytest.approx(-0.999 / 4, rel=1e-3)


def test_all_candidates_of_a_question_are_seen_on_the_same_validation_images(few_digits):
    # Wang et al. 2021 (DARTS-PT): differences between options are smaller than those between minibatches.
    supernet = Supernet(space(), norms="batch")
    recipe = replace(RECIPE, batch_size=16)
    trainer = Training(supernet, few_digits, recipe, rewards="same", judged=2)
    point = space().sample(np.random.default_rng(0))
    found = [next(trainer.evaluate([Candidate(point, 0)]))[0].metrics for _ in range(3)]
    assert found[0] == found[1] == found[2]
    pairs = trainer._judges
    assert len(pairs) == 2
    assert not torch.equal(pairs[0].images, pairs[1].images)
    with torch.no_grad():
        wanted = [functional.cross_entropy(supernet(p.images, point), p.labels) for p in pairs]
    sizes = torch.tensor([len(p.labels) for p in pairs])
    mean = float((torch.stack(wanted) * sizes).sum() / sizes.sum())
    assert found[0]["loss"] == pytest.approx(mean, rel=1e-5)
    again = Training(supernet, few_digits, recipe, rewards="same", judged=2)
    assert all(torch.equal(a.images, b.images) for a, b in zip(again._judges, pairs, strict=True))
    with pytest.raises(ConfigError, match="judged is 0"):
        Training(supernet, few_digits, RECIPE, judged=0)


def space():
    return Space(
        b.conv(choice(4, 8, name="width"), kernel=choice(3, 5)),
        b.classifier(),
        input_shape=(1, 8, 8),
        outputs=10,
    )


def step_by_hand(supernet, points, images, labels, loss_of):
    """Gradients of all networks of a step, each extracted, scattered into one supernet by autograd."""
    net = copy.deepcopy(supernet).train()
    answers = [net(images, point) for point in points]
    loss_of(answers, labels).backward()
    return [weights.grad for weights in net.parameters()]


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_all_but_the_first_path_learn_from_it_and_nothing_flows_back(few_digits, weight):
    supernet = Supernet(space(), norms="batch")
    trainer = Training(supernet, few_digits, RECIPE, paths=3, distillation=Distillation(labels=weight))
    points = [space().sample(np.random.default_rng(i)) for i in range(3)]
    pair = Feed(trainer._train.batches).next()

    def loss_of(answers, labels):
        teacher = answers[0].detach().softmax(1)
        by_label = [functional.cross_entropy(one, labels, label_smoothing=0.1) for one in answers]
        soft = [
            functional.cross_entropy(one, teacher) + weight * own
            for one, own in zip(answers, by_label, strict=True)
        ]
        return by_label[0] + sum(soft[1:])

    wanted = step_by_hand(supernet, points, pair.images, pair.labels, loss_of)
    (trials,) = trainer.evaluate([Candidate(point) for point in points])
    assert all(trial.status == "ok" for trial in trials)
    for weights, gradient in zip(supernet.parameters(), wanted, strict=True):
        torch.testing.assert_close(weights.grad, gradient, rtol=1e-5, atol=1e-7)


def test_a_teacher_of_its_own_teaches_all_paths(few_digits):
    supernet = Supernet(space(), norms="batch")
    large = space().unrank(space().count - 1)
    teacher = extract(Supernet(space(), seed=5), large)
    trainer = Training(
        supernet, few_digits, RECIPE, paths=2, distillation=Distillation(labels=1.0, teacher=teacher)
    )
    points = [space().unrank(0), large]
    pair = Feed(trainer._train.batches).next()

    def loss_of(answers, labels):
        soft = teacher.eval()(pair.images).detach().softmax(1)
        losses = (
            functional.cross_entropy(one, soft) + functional.cross_entropy(one, labels, label_smoothing=0.1)
            for one in answers
        )
        return sum(losses)

    wanted = step_by_hand(supernet, points, pair.images, pair.labels, loss_of)
    list(trainer.evaluate([Candidate(point) for point in points]))
    for weights, gradient in zip(supernet.parameters(), wanted, strict=True):
        torch.testing.assert_close(weights.grad, gradient, rtol=1e-5, atol=1e-7)


def test_losses_before_a_step_are_those_of_its_minibatch_and_change_nothing(few_digits):
    # AttentiveNAS' candidates: the same minibatch for all, and no statistics of norms change (D3, sheet 08).
    supernet = Supernet(space(), norms="batch")
    trainer = Training(supernet, few_digits, RECIPE, paths=2, rewards="train")
    points = [space().sample(np.random.default_rng(i)) for i in range(4)]
    list(trainer.evaluate([Candidate(points[0])]))
    feed = Feed(trainer._train.batches)
    feed.taken = 1
    pair = feed.next()
    before = copy.deepcopy(supernet.state_dict())
    found = [trial for (trial,) in (next(trainer.evaluate([Candidate(p, 0)])) for p in points)]
    with torch.no_grad():
        wanted = [
            functional.cross_entropy(supernet.eval()(pair.images, point), pair.labels).item()
            for point in points
        ]
    assert [trial.metrics["loss"] for trial in found] == pytest.approx(wanted, rel=1e-6)
    assert trainer.step == 1
    after = supernet.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())


def test_paths_with_images_of_their_own_cannot_learn_from_each_other(few_digits):
    with pytest.raises(ConfigError, match="split"):
        Training(Supernet(space()), few_digits, RECIPE, paths=2, split=True, distillation=Distillation())
