"""Proxies, short trainings and whole ones, one above the other."""

import pytest

import nasturtium as nt
from nasturtium.errors import ConfigError
from nasturtium.evaluate.cascade import Cascade
from nasturtium.evaluate.proxies.saliency import snip
from nasturtium.evaluate.proxy import Proxy
from nasturtium.evaluate.recipe import Recipe
from nasturtium.evaluate.scratch import Scratch
from nasturtium.protocols import Candidate
from nasturtium.seeds import rng_for
from nasturtium.space.zoo.chain import chain
from nasturtium.testing.evaluator import EvaluatorConformance

SPACE = chain("small")
ONE, TWO = (SPACE.sample(rng_for(0, "test/cascade", i)) for i in range(2))


def cascade(task, folder=None):
    scratch = Scratch(SPACE, task, Recipe(epochs=2, batch_size=32), folder=folder)
    return Cascade({0: Proxy(SPACE, task, (snip,), batch=8), 1: scratch})


class TestCascade(EvaluatorConformance):
    metrics = frozenset()
    varying = frozenset({"proxy_seconds", "train_seconds"})

    @pytest.fixture(autouse=True)
    def _task(self, few_digits):
        self.task = few_digits

    def make(self):
        return cascade(self.task)

    def candidates(self):
        return [Candidate(ONE, 1, number=0), Candidate(TWO, 0, number=1), Candidate(TWO, number=2)]

    def impossible(self):
        return Candidate(ONE, -1, number=0)


def test_the_fidelity_decides_who_evaluates(few_digits):
    evaluator = cascade(few_digits)
    for fidelity, metric, epochs in ((0, "snip", None), (1, "error", 1), (3, "error", 3), (None, "error", 2)):
        ((trial,),) = evaluator.evaluate([Candidate(ONE, fidelity, number=0)])
        assert metric in trial.metrics
        assert ("error" in trial.metrics) == (metric == "error"), "a score passed for an error"
        assert trial.metrics.get("epochs") == epochs


def test_a_training_goes_on_from_its_parent_unless_that_was_only_scored(few_digits, tmp_path):
    evaluator = cascade(few_digits, tmp_path)
    told = [
        trial
        for candidate in (
            Candidate(ONE, 0, number=0),
            Candidate(ONE, 1, parent=0, number=1),
            Candidate(ONE, 3, parent=1, number=2),
        )
        for group in evaluator.evaluate([candidate])
        for trial in group
    ]
    assert [trial.metrics.get("epochs") for trial in told] == [None, 1, 2]
    assert [trial.weights is None for trial in told] == [True, False, False]


def test_levels_that_make_no_sense_are_refused():
    for levels in ({}, {-1: None}):
        with pytest.raises(ConfigError, match="levels are"):
            Cascade(levels)


def test_slots_and_pending_are_those_of_all_levels():
    class Busy:
        def __init__(self, slots, pending):
            self.slots, self.pending = slots, pending

        def evaluate(self, batch):
            self.pending -= 1
            yield [len(batch)]

    slow, quick = Busy(1, 2), Busy(4, 0)
    both = Cascade({0: quick, 1: slow, 9: slow})
    assert (both.slots, both.pending) == (1, 2)
    assert list(both.evaluate([])) == [[0]], "nothing given waits for those that work"
    assert (both.pending, quick.pending) == (1, 0)


@pytest.mark.parametrize("method", ["halving", "asha"])
def test_a_method_with_rungs_climbs_from_scores_to_trainings(few_digits, tmp_path, method):
    def search(budget):
        return nt.search(
            SPACE,
            evaluator=cascade(few_digits, tmp_path),
            method=method,
            parameters={"fidelities": "0,1,2", "eta": 2},
            minimize="error or -snip",
            budget=budget,
            baseline=False,
            out=tmp_path / "run",
        )

    run = search(2)
    assert run.front
    assert all("error" not in pick.metrics for pick in run.front), "nothing was trained yet"
    run = search(9)
    by_level = {level: [t for t in run.trials() if t.candidate.fidelity == level] for level in (0, 1, 2)}
    assert all(by_level.values())
    for trial in run.trials():
        parent = trial.candidate.parent
        assert (parent is None) == (trial.candidate.fidelity == 0)
        if parent is not None:
            assert run.trials()[parent].architecture == trial.architecture
    best = max(t.metrics["snip"] for t in by_level[0][:4])
    first = by_level[1][0].candidate.parent
    assert run.trials()[first].metrics["snip"] == best or method == "asha"
    assert all(pick.metrics["epochs"] == 1 for pick in run.front), "one epoch more, on top of the parent's"
    assert run.best.trial in by_level[2]
