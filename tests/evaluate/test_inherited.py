"""What a network is worth with a supernet's weights."""

import copy

import numpy as np
import pytest
import torch

from nasturtium import blocks as b
from nasturtium import choice
from nasturtium.architecture import Mixture
from nasturtium.errors import ConfigError
from nasturtium.evaluate.fit import evaluate
from nasturtium.evaluate.inherited import Inherited
from nasturtium.evaluate.recalibrate import recalibrate
from nasturtium.evaluate.recipe import Recipe
from nasturtium.evaluate.training import Training
from nasturtium.net.extract import extract
from nasturtium.net.supernet import Supernet
from nasturtium.protocols import Candidate
from nasturtium.space.space import Space
from nasturtium.strategy.paths import UniformPaths
from nasturtium.tasks.images import image_classification
from nasturtium.testing.evaluator import EvaluatorConformance

RECIPE = Recipe(epochs=2, batch_size=32, threads=1)


def space():
    return Space(
        b.conv(8, kernel=choice(3, 5)),
        choice(b.conv(8), b.separable(8), b.identity(), name="middle"),
        b.classifier(),
        input_shape=(1, 8, 8),
        outputs=10,
    )


def some(count):
    return [space().sample(np.random.default_rng(i)) for i in range(count)]


@pytest.fixture(scope="module")
def trained():
    task = image_classification("digits", max_train=160)
    trainer = Training(Supernet(space(), seed=1), task, RECIPE)
    for candidate in UniformPaths(space()).ask(10):
        list(trainer.evaluate([candidate]))
    return trainer.supernet, task


class TestInherited(EvaluatorConformance):
    metrics = frozenset({"error", "loss"})

    @pytest.fixture(autouse=True)
    def _trained(self, trained):
        self.supernet, self.task = trained

    def make(self):
        return Inherited(self.supernet, self.task, RECIPE, recalibration=64)

    def candidates(self):
        return [Candidate(path, number=i) for i, path in enumerate(some(4))]

    def impossible(self):
        return Candidate(Mixture(space().fingerprint, ((0.5, 0.5), (1.0, 0.0, 0.0))), number=0)


def test_it_is_the_error_of_the_subnet_with_norms_of_its_own(trained):
    supernet, task = trained
    path = some(1)[0]
    before = copy.deepcopy(supernet.state_dict())
    trial = Inherited(supernet, task, RECIPE, recalibration=len(task.train), batch_size=80).trial(
        Candidate(path)
    )
    model = extract(supernet, path)
    order = torch.split(task.normalisation(task.train.images, torch.contiguous_format), 80)
    recalibrate(model, order)
    error, _ = evaluate(model, task.valid, task.normalisation, RECIPE)
    # The same images in other batches: nearly the same statistics.
    assert trial.metrics["error"] == pytest.approx(error, abs=0.02)
    for name, value in supernet.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_without_recalibration_it_is_the_supernet_s_own_error(trained):
    supernet, task = trained
    path = some(1)[0]
    trial = Inherited(supernet, task, RECIPE, recalibration=0).trial(Candidate(path))
    with torch.no_grad():
        images = task.normalisation(task.valid.images, torch.contiguous_format)
        wrong = supernet.eval()(images, path).argmax(1) != task.valid.labels
    assert trial.metrics["error"] == pytest.approx(float(wrong.float().mean()))


def test_norms_without_statistics_must_be_recalibrated(few_digits):
    supernet = Supernet(space(), norms="batch")
    with pytest.raises(ConfigError, match="recalibration"):
        Inherited(supernet, few_digits, RECIPE, recalibration=0)


def test_some_of_the_images_are_the_same_for_all_candidates(trained):
    supernet, task = trained
    one = Inherited(supernet, task, RECIPE, recalibration=64, images=16, seed=3)
    errors = [one.trial(Candidate(path)).metrics["error"] for path in some(3)]
    assert all(np.isclose(16 * error, round(16 * error)) for error in errors)
    assert [one.trial(Candidate(path)).metrics["error"] for path in some(3)] == errors
