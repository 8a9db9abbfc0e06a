"""Evaluators on texts, whose networks answer for every token."""

import math

import pytest
import torch
from torch.nn import functional

from nasturtium.evaluate.distillation import Distillation
from nasturtium.evaluate.inherited import Inherited
from nasturtium.evaluate.recipe import Recipe
from nasturtium.evaluate.scratch import Scratch
from nasturtium.evaluate.training import Training
from nasturtium.net.supernet import Supernet
from nasturtium.protocols import Candidate
from nasturtium.space import blocks as b
from nasturtium.space.choice import choice
from nasturtium.space.space import Space
from nasturtium.tasks import language_modelling

RECIPE = Recipe(epochs=4, batch_size=8, optimizer="adamw", lr=0.01, label_smoothing=0.0, threads=1)


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    path = tmp_path_factory.mktemp("text") / "letters.txt"
    path.write_text("abcdefghij" * 200, encoding="utf-8")
    return language_modelling(f"text:{path}", tokens=8)


@pytest.fixture(scope="module")
def space(task):
    layers = b.repeat(b.causal_transformer(choice(1, 2), choice(8, 16), 8), choice(1, 2))
    found = Space(b.embedding(choice(8, 12, name="width")), layers, b.next_token(), name="letters")
    return found.bind(task.input_shape, task.outputs)


def test_a_trained_network_knows_what_follows_where_frequencies_miss_nine_of_ten(task, space):
    trial = Scratch(space, task, RECIPE).trial(Candidate(space.unrank(space.count - 1)))
    assert trial.metrics["error"] < 0.05
    assert trial.metrics["perplexity"] == pytest.approx(math.exp(trial.metrics["loss"]))


def test_a_subnet_is_judged_by_all_its_tokens(task, space):
    """Against the mean over single tokens of torch's own cross-entropy."""
    supernet = Supernet(space, seed=0, norms="batch")
    paths = [Candidate(space.unrank(rank)) for rank in (space.count - 1, 0)]
    (trained,) = Training(supernet, task, RECIPE, paths=2, distillation=Distillation()).evaluate(paths)
    assert all(0 < trial.metrics["loss"] < 2 * math.log(task.outputs) for trial in trained)
    found = Inherited(supernet, task, RECIPE).trial(paths[1]).metrics
    with torch.no_grad():
        logits = supernet.eval()(task.normalisation(task.valid.images), paths[1].point).transpose(1, 2)
    rows, labels = logits.flatten(0, 1), task.valid.labels.flatten()
    assert found["loss"] == pytest.approx(float(functional.cross_entropy(rows, labels)), rel=1e-5)
    assert found["error"] == pytest.approx(float((rows.argmax(1) != labels).double().mean()))
