"""The evaluator that trains, on the real digits and a real space."""

import math
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from nasturtium.architecture import Mixture
from nasturtium.cost.counts import Counted
from nasturtium.errors import ConfigError, StoreError
from nasturtium.evaluate import fit as fit_module
from nasturtium.evaluate import scratch as module
from nasturtium.evaluate.fit import evaluate
from nasturtium.evaluate.recipe import Recipe
from nasturtium.evaluate.scratch import Scratch
from nasturtium.evaluate.weights import load_weights
from nasturtium.net.build import build
from nasturtium.protocols import Candidate, Evaluator
from nasturtium.seeds import rng_for
from nasturtium.space import blocks as b
from nasturtium.space.choice import choice
from nasturtium.space.space import Space
from nasturtium.space.zoo.autonet import autonet_mlp
from nasturtium.space.zoo.chain import chain

SPACE = chain("small")
ONE = SPACE.sample(rng_for(0, "test/scratch", 0))
TWO = SPACE.sample(rng_for(0, "test/scratch", 1))
QUICK = Recipe(epochs=2, batch_size=32)


def untimed(trial):
    return trial.status, trial.error, {k: v for k, v in trial.metrics.items() if k != "train_seconds"}


def test_it_is_an_evaluator_and_gives_a_trial_per_candidate(few_digits):
    evaluator: Evaluator = Scratch(SPACE, few_digits, QUICK)
    candidates = [Candidate(ONE, number=0), Candidate(TWO, number=1)]
    trials = [trial for group in evaluator.evaluate(candidates) for trial in group]
    assert [trial.candidate for trial in trials] == candidates
    assert (evaluator.slots, evaluator.pending) == (1, 0)
    for trial in trials:
        assert trial.status == "ok"
        assert trial.metrics.keys() == {"error", "loss", "train_seconds", "epochs"}
        assert 0 <= trial.metrics["error"] <= 1
        assert trial.weights is None
    assert not list(evaluator.evaluate([]))


def test_trials_depend_on_seed_and_number_and_on_nothing_else(few_digits):
    first = [Scratch(SPACE, few_digits, QUICK, seed=3).trial(Candidate(ONE, number=n)) for n in (0, 1)]
    torch.manual_seed(99)
    evaluator = Scratch(SPACE, few_digits, QUICK, seed=3)
    again = [evaluator.trial(Candidate(ONE, number=n)) for n in (1, 0)][::-1]
    assert [untimed(t) for t in first] == [untimed(t) for t in again]
    assert first[0].metrics["loss"] != first[1].metrics["loss"]
    other = Scratch(SPACE, few_digits, QUICK, seed=4).trial(Candidate(ONE, number=0))
    assert other.metrics["loss"] != first[0].metrics["loss"]


def test_fidelity_is_the_number_of_epochs(few_digits):
    evaluator = Scratch(SPACE, few_digits, QUICK)
    assert evaluator.trial(Candidate(ONE, number=0)).metrics["epochs"] == 2
    assert evaluator.trial(Candidate(ONE, fidelity=1, number=1)).metrics["epochs"] == 1


def test_costs_are_added_and_unknown_ones_refused(few_digits):
    costs = Counted(SPACE.bind(few_digits.input_shape, few_digits.outputs))
    trial = Scratch(SPACE, few_digits, QUICK, costs=costs, measure=["params", "macs"]).trial(
        Candidate(ONE, number=0)
    )
    assert trial.metrics["params"] == costs(ONE, ["params"])["params"]
    with pytest.raises(
        ConfigError, match="no cost model gives energy_mj; there is activation_bytes, macs, params"
    ):
        Scratch(SPACE, few_digits, QUICK, costs=costs, measure=["energy_mj"])
    with pytest.raises(ConfigError, match="there is none"):
        Scratch(SPACE, few_digits, QUICK, measure=["params"])


def test_kept_weights_give_the_trials_error_again(few_digits, tmp_path):
    evaluator = Scratch(SPACE, few_digits, QUICK, folder=tmp_path)
    trial = evaluator.trial(Candidate(ONE, number=7))
    assert trial.weights == "weights/7.safetensors"
    model = build(evaluator.space.network(ONE))
    assert load_weights(model, tmp_path / trial.weights) == 2
    error, loss = evaluate(model, few_digits.valid, few_digits.normalisation, QUICK)
    assert (error, loss) == (trial.metrics["error"], trial.metrics["loss"])


def test_stages_keep_their_weights_apart(few_digits, tmp_path):
    trial = Scratch(SPACE, few_digits, QUICK, folder=tmp_path, stage="retrain").trial(
        Candidate(ONE, number=7)
    )
    assert trial.weights == "retrain/7.safetensors"


def test_a_child_trains_the_epochs_that_its_parent_lacks_from_its_weights(few_digits, tmp_path, monkeypatch):
    evaluator = Scratch(SPACE, few_digits, QUICK, folder=tmp_path)
    evaluator.trial(Candidate(ONE, fidelity=1, number=0))
    started = []
    real = module.fit

    def spy(model, *args, **settings):
        started.append({k: v.clone() for k, v in model.state_dict().items()})
        return real(model, *args, **settings)

    monkeypatch.setattr(module, "fit", spy)
    child = evaluator.trial(Candidate(ONE, fidelity=3, parent=0, number=1))
    assert child.metrics["epochs"] == 2
    parent = load_file(tmp_path / "weights" / "0.safetensors")
    assert all(torch.equal(parent[key], value) for key, value in started[0].items())
    grandchild = evaluator.trial(Candidate(ONE, fidelity=3, parent=1, number=2))
    assert grandchild.metrics["epochs"] == 0
    assert grandchild.metrics["error"] == child.metrics["error"]


def test_a_parent_without_weights_means_a_fresh_start(few_digits, tmp_path):
    candidate = Candidate(ONE, fidelity=2, parent=5, number=1)
    fresh = Scratch(SPACE, few_digits, QUICK).trial(Candidate(ONE, fidelity=2, number=1))
    for folder in (None, tmp_path):
        assert untimed(Scratch(SPACE, few_digits, QUICK, folder=folder).trial(candidate)) == untimed(fresh)


def test_a_parent_of_another_shape_is_a_failed_trial(few_digits, tmp_path):
    evaluator = Scratch(SPACE, few_digits, QUICK, folder=tmp_path)
    evaluator.trial(Candidate(ONE, number=0))
    trial = evaluator.trial(Candidate(TWO, parent=0, number=1))
    assert trial.status == "failed"
    assert "belong to another network" in str(trial.error)


def test_the_final_split_trains_on_everything_and_evaluates_on_test_once(few_digits, monkeypatch):
    calls = []
    real = fit_module._evaluate

    def spy(model, split, *rest):
        calls.append(len(split))
        return real(model, split, *rest)

    monkeypatch.setattr(fit_module, "_evaluate", spy)
    told = []
    evaluator = Scratch(SPACE, few_digits, QUICK, split="final", report=lambda *args: told.append(args))
    trial = evaluator.trial(Candidate(ONE, number=0))
    assert calls == [len(few_digits.test)]
    assert trial.metrics["test_error"] == trial.metrics["error"]
    assert [epoch for _, epoch, _ in told] == [1, 2]


def test_the_search_never_touches_the_test_split(few_digits):
    class Untouchable:
        def __getattr__(self, name):
            raise AssertionError("the test split was touched")

    from dataclasses import replace

    task = replace(few_digits, test=Untouchable())
    assert Scratch(SPACE, task, QUICK).trial(Candidate(ONE, number=0)).status == "ok"


def test_progress_is_reported_per_epoch(few_digits):
    told = []
    candidate = Candidate(ONE, number=0)
    trial = Scratch(SPACE, few_digits, QUICK, report=lambda *args: told.append(args)).trial(candidate)
    assert [(c, epoch) for c, epoch, _ in told] == [(candidate, 1), (candidate, 2)]
    assert told[-1][2] == trial.metrics["error"]


def test_a_divergence_is_a_failed_trial_with_words(few_digits):
    trial = Scratch(SPACE, few_digits, Recipe(lr=1e30)).trial(Candidate(ONE, number=0))
    assert trial.status == "failed"
    assert "a lower learning rate" in str(trial.error)
    assert trial.metrics["train_seconds"] > 0
    assert "error" not in trial.metrics


@pytest.mark.parametrize("problem", [MemoryError("10 GiB"), RuntimeError("shapes"), ZeroDivisionError("x")])
@pytest.mark.parametrize("where", ["build", "fit"])
def test_whatever_breaks_is_a_failed_trial_and_the_next_goes_on(few_digits, monkeypatch, problem, where):
    evaluator = Scratch(SPACE, few_digits, QUICK)
    with monkeypatch.context() as patch:
        patch.setattr(module, where, raising(problem))
        trial = evaluator.trial(Candidate(ONE, number=0))
    assert trial.status == "failed"
    assert trial.error == f"{type(problem).__name__}: {problem}"
    assert evaluator.trial(Candidate(ONE, number=1)).status == "ok"


def test_an_interrupt_passes_through(few_digits, monkeypatch):
    monkeypatch.setattr(module, "fit", raising(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        Scratch(SPACE, few_digits, QUICK).trial(Candidate(ONE, number=0))


def test_a_mixture_is_a_failed_trial(few_digits):
    trial = Scratch(SPACE, few_digits, QUICK).trial(
        Candidate(Mixture(SPACE.fingerprint, ((1.0,),)), number=0)
    )
    assert trial.status == "failed"
    assert "mixture" in str(trial.error)


def test_a_folder_that_cannot_be_written_stops_the_run(few_digits, tmp_path):
    (tmp_path / "weights").write_text("in the way")
    with pytest.raises(StoreError, match="cannot write the weights"):
        Scratch(SPACE, few_digits, QUICK, folder=tmp_path).trial(Candidate(ONE, number=0))


def test_every_metric_is_a_finite_float(few_digits):
    trial = Scratch(SPACE, few_digits, QUICK).trial(Candidate(ONE, number=0))
    assert all(isinstance(v, float) and math.isfinite(v) for v in trial.metrics.values())


def raising(problem):
    def broken(*_, **__):
        raise problem

    return broken


def with_settings():
    return Space(
        b.conv(choice(4, 8)),
        choice(
            b.settings(optimizer="sgd", lr=choice(1e-6, 0.1)),
            b.settings(optimizer="adamw", lr=0.01, weight_decay=choice(0.0, 0.1)),
            labels=("sgd", "adamw"),
        ),
        b.settings(batch_size=choice(16, 40), label_smoothing=choice(0.0, 0.2), cutout=choice(0, 3)),
        b.classifier(),
    )


def test_settings_of_the_space_are_the_recipe_of_a_candidate(few_digits):
    space, plain = with_settings(), Space(b.conv(choice(4, 8)), b.classifier())
    joint = Scratch(space, few_digits, QUICK, seed=1)
    for i in range(4):
        one = space.sample(rng_for(0, "test/settings", i))
        network = plain.unrank(one.choices[0])
        recipe = replace(QUICK, **space.settings(one))
        apart = Scratch(plain, few_digits, recipe, seed=1).trial(Candidate(network, number=i))
        assert untimed(joint.trial(Candidate(one, number=i))) == untimed(apart)
    slow, fast = (
        space.architecture(choice="sgd", choice__sgd__lr=lr, settings__batch_size=16) for lr in (1e-6, 0.1)
    )
    losses = {joint.trial(Candidate(one, number=9)).metrics["loss"] for one in (slow, fast)}
    assert len(losses) == 2, "the learning rate made no difference"


def test_settings_that_no_training_has_are_refused_before_any(few_digits):
    def space(**values):
        return Space(b.conv(4), b.settings(**values), b.classifier())

    with pytest.raises(ConfigError, match=r"unknown setting 'learning_rate' .*a recipe of a training has no"):
        Scratch(space(learning_rate=choice(0.1, 0.2)), few_digits, QUICK)
    with pytest.raises(ConfigError, match="batch_size is 1; it must be 2 or more"):
        Scratch(space(batch_size=choice(16, 1)), few_digits, QUICK)
    with pytest.raises(ConfigError, match=r"recipe: {'lr': 'high'} makes no sense"):
        Scratch(space(lr=choice(0.1, "high")), few_digits, QUICK)


def test_a_perceptron_with_its_solver_learns_the_digits(digits):
    """Auto-Net's space; a linear model of the pixels has an error near 0.04."""
    evaluator = Scratch(autonet_mlp(), digits, Recipe(epochs=6))
    one = evaluator.space.architecture(
        layers__times=2, layers__block1__out=128, solver="adamw", solver__adamw__lr=0.003
    )
    trial = evaluator.trial(Candidate(one, number=0))
    assert trial.status == "ok", trial.error
    assert trial.metrics["error"] < 0.15
