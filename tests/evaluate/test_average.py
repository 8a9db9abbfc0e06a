import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from nasturtium import blocks as b
from nasturtium import choice
from nasturtium.errors import ConfigError
from nasturtium.evaluate.average import Average
from nasturtium.evaluate.fit import evaluate, fit
from nasturtium.evaluate.recipe import Recipe
from nasturtium.evaluate.training import Training
from nasturtium.net.build import build
from nasturtium.net.supernet import Supernet
from nasturtium.protocols import Candidate
from nasturtium.space.space import Space

RECIPE = Recipe(epochs=2, batch_size=32, augment="none", average=0.9, threads=1)


def space():
    return Space(b.conv(choice(4, 8)), b.classifier(), input_shape=(1, 8, 8), outputs=10)


def test_it_is_the_average_of_pytorch_once_the_first_steps_are_past():
    model = nn.Linear(3, 2)
    mine = Average(model, 0.5)
    mine.steps = 1000  # as its decay is lower at first
    theirs = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.5))
    theirs.update_parameters(model)  # the first is a copy
    for step in range(5):
        with torch.no_grad():
            model.weight.fill_(step)
        mine.update()
        theirs.update_parameters(model)
    mine.take()
    torch.testing.assert_close(model.weight, theirs.module.weight)


def test_what_is_lent_is_given_back():
    model = nn.BatchNorm2d(2)
    average = Average(model, 0.9)
    with torch.no_grad():
        model.weight.fill_(5)
        model.running_mean.fill_(3)
    with average.applied():
        assert model.weight.tolist() == [1, 1]
        assert model.running_mean.tolist() == [0, 0]
    assert model.weight.tolist() == [5, 5]
    assert model.running_mean.tolist() == [3, 3]


def test_a_training_keeps_and_evaluates_the_average(few_digits):
    model = build(space().network(space().unrank(1)), seed=0)
    result = fit(
        model, few_digits.train, few_digits.valid, RECIPE, seed=0, normalisation=few_digits.normalisation
    )
    again = evaluate(model, few_digits.valid, few_digits.normalisation, RECIPE)
    assert again == pytest.approx((result.error, result.loss))
    last = build(space().network(space().unrank(1)), seed=0)
    plain = Recipe(epochs=2, batch_size=32, augment="none", threads=1)
    fit(last, few_digits.train, few_digits.valid, plain, seed=0, normalisation=few_digits.normalisation)
    pairs = zip(model.parameters(), last.parameters(), strict=True)
    assert any(not torch.equal(mine, theirs) for mine, theirs in pairs)


def trained(task, steps, path=None):
    training = Training(Supernet(space(), norms="batch"), task, RECIPE)
    if path is not None:
        training.load(path)
    while training.step < steps:
        list(training.evaluate([Candidate(space().unrank(training.step % 2))]))
    return training


def test_a_supernet_ends_as_its_average_also_after_a_resume(few_digits, tmp_path):
    half = trained(few_digits, 3)
    half.save(tmp_path / "half", {})
    steps = half.steps
    whole, resumed = trained(few_digits, steps), trained(few_digits, steps, tmp_path / "half")
    states = [one.supernet.state_dict() for one in (whole, resumed)]
    assert all(torch.equal(states[0][name], value) for name, value in states[1].items())
    kept = whole.average.state_dict()
    assert all(torch.equal(kept[f"kept.{name}"], value) for name, value in states[0].items())


def test_a_decay_of_one_is_refused():
    with pytest.raises(ConfigError, match="average is 1"):
        Recipe(average=1.0)
