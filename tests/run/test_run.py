import math
import shutil

import numpy as np
import pytest
import torch

import nasturtium as nt
from nasturtium.errors import JournalError, StoreError
from nasturtium.front.dominance import dominates
from nasturtium.front.objectives import values
from nasturtium.testing.toys import flat_space


def test_a_run_on_real_images_has_all_its_stages(digits_run):
    assert digits_run.complete
    assert digits_run.stages == ("search", "baseline", "retrain")
    assert [len(digits_run.trials(stage)) for stage in digits_run.stages] == [6, 6, 4]
    for stage in digits_run.stages:
        for trial in digits_run.trials(stage):
            assert trial.status == "ok", trial.error
            assert 0 <= trial.metrics["error"] <= 1
            assert trial.metrics["macs"] <= 60e3
            assert {"params", "macs", "activation_bytes", "train_seconds", "loss"} <= trial.metrics.keys()


def test_the_test_split_is_used_in_the_final_trainings_only(digits_run):
    for stage in ("search", "baseline"):
        assert not any("test_error" in trial.metrics for trial in digits_run.trials(stage))
    for trial in digits_run.trials("retrain"):
        assert trial.metrics["test_error"] == trial.metrics["error"]
        assert trial.candidate.fidelity == 3


def test_the_front_is_all_that_nothing_dominates(toy_run):
    trials, points = toy_run.feasible()
    expected = {
        trial.candidate.number
        for trial, point in zip(trials, points, strict=True)
        if not any(dominates(other, point) for other in points)
    }
    assert {pick.trial.candidate.number for pick in toy_run.front} == expected
    errors = [pick.metrics["error"] for pick in toy_run.front]
    assert errors == sorted(errors)


def test_only_successful_trials_that_meet_the_constraints_count(toy_run):
    trials, points = toy_run.feasible()
    assert len(trials) < len(toy_run.trials())
    assert all(trial.status == "ok" and trial.metrics["params"] <= 1900 for trial in trials)
    assert [tuple(point) for point in points] == [values(toy_run.objectives, trial) for trial in trials]


def test_hypervolumes_are_shares_with_one_reference(toy_run):
    found, random = toy_run.hypervolume(), toy_run.hypervolume("baseline")
    assert 0 < random <= 1
    assert 0 < found <= 1
    _, points = toy_run.feasible()
    assert all(np.array(toy_run.reference) > points.max(axis=0))


def test_hypervolume_is_the_area_that_the_front_dominates(toy_run):
    both = np.concatenate([toy_run.feasible("search")[1], toy_run.feasible("baseline")[1]])
    low, high = both.min(axis=0), np.array(toy_run.reference)
    rng = np.random.default_rng(0)
    darts = low + (high - low) * rng.random((20_000, 2))
    front = np.array([[p.metrics["error"], p.metrics["params"]] for p in toy_run.front])
    hit = (front[None] <= darts[:, None]).all(axis=2).any(axis=1).mean()
    assert toy_run.hypervolume() == pytest.approx(hit, abs=0.02)


def test_a_run_is_loaded_as_it_was(digits_run, tiny_space, digits):
    again = nt.Run.load(digits_run.folder, space=tiny_space, task=digits)
    assert nt.Run(str(digits_run.folder)).spec == again.spec
    assert again.spec == digits_run.spec
    assert again.complete
    for stage in digits_run.stages:
        assert again.trials(stage) == digits_run.trials(stage)
    assert [pick.text for pick in again.front] == [pick.text for pick in digits_run.front]
    assert again.sessions[0].versions["torch"] == torch.__version__


def test_a_loaded_run_without_its_space_says_how_to_give_it(digits_run):
    again = nt.Run.load(digits_run.folder)
    assert len(again.front) == len(digits_run.front)
    with pytest.raises(StoreError, match=r"Run.load\(.*space=\.\.\.\)"):
        again.front[0].text  # noqa: B018
    with pytest.raises(StoreError, match="is not the one that was searched"):
        nt.Run.load(digits_run.folder, space=flat_space()).front[0].text  # noqa: B018


def test_a_loaded_run_without_its_data_finds_it_by_name(digits_run):
    assert nt.Run.load(digits_run.folder).task.name == "digits"


def test_a_pick_is_a_plain_model_with_the_weights_of_its_first_final_training(digits_run, digits):
    pick = digits_run.picks[0]
    model = pick.model()
    assert not model.training
    with torch.no_grad():
        scores = model(digits.normalisation(digits.test.images))
    error = float((scores.argmax(1) != digits.test.labels).float().mean())
    assert error == pytest.approx(
        pick.retrained.trials[0].metrics["test_error"], abs=2 / len(digits.test.labels)
    )


def test_a_pick_that_was_not_trained_again_has_the_weights_of_the_search(digits_run):
    others = [pick for pick in digits_run.baseline if pick.retrained is None]
    for pick in others[:1]:
        assert pick.trial.weights.startswith("weights/baseline/")
        assert isinstance(pick.model(), torch.nn.Module)


def test_picks_are_trained_again_and_know_their_spread(digits_run):
    assert digits_run.picks[0].name == "accurate"
    for pick in digits_run.picks:
        assert len(pick.retrained.errors) == 2
        low, high = pick.retrained.interval
        assert low <= pick.retrained.mean <= high
        assert pick.retrained.weights.startswith("weights/retrain/")
    assert digits_run.best.metrics["error"] == min(p.metrics["error"] for p in digits_run.front)


def test_weights_that_are_gone_are_an_error(digits_run, tiny_space, tmp_path):
    shutil.copytree(digits_run.folder, tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy" / "weights")
    with pytest.raises(StoreError):
        nt.Run.load(tmp_path / "copy", space=tiny_space).best.model()


def test_an_evaluator_that_trains_nothing_leaves_no_weights(toy_run):
    assert toy_run.complete
    assert toy_run.stages == ("search", "baseline")
    with pytest.raises(StoreError, match="has no weights"):
        toy_run.best.model()


def test_a_folder_without_a_run_is_an_error(tmp_path):
    with pytest.raises(JournalError, match="no run in"):
        nt.Run.load(tmp_path)


def test_a_run_on_a_table_has_a_front_but_no_seconds_of_training(toy_run):
    assert toy_run.seconds() > 0
    assert math.isfinite(toy_run.hypervolume())
    assert toy_run.best.name == "accurate"
    assert "trials" in repr(toy_run)
