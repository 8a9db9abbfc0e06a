"""Costs are added in this process, as a training would have added them itself."""

from nasturtium.architecture import Mixture
from nasturtium.errors import ShapeError
from nasturtium.protocols import Candidate, Trial
from nasturtium.run.costed import Costed
from nasturtium.testing.evaluator import EvaluatorConformance
from nasturtium.testing.toys import ToyCosts, ToyEvaluator, flat_space

SPACE = flat_space()


def only_error(architecture):
    return {"error": 0.5}


class TestCosted(EvaluatorConformance):
    metrics = frozenset({"error", "params"})

    def make(self):
        return Costed(ToyEvaluator(SPACE, workers=3, metrics=only_error), ToyCosts(SPACE), ["params"])

    def candidates(self):
        return [Candidate(SPACE.unrank(7 * i), number=i) for i in range(10)]


class Unmeasurable(ToyCosts):
    def __call__(self, architecture, names):
        raise ShapeError("too small")


def test_a_network_that_cannot_be_measured_has_failed():
    evaluator = Costed(ToyEvaluator(SPACE), Unmeasurable(SPACE), ["params"])
    ((trial,),) = evaluator.evaluate([Candidate(SPACE.unrank(0), number=0)])
    assert (trial.status, trial.error) == ("failed", "ShapeError: too small")


def test_a_failed_training_keeps_its_reason_and_has_costs():
    evaluator = Costed(ToyEvaluator(SPACE, failing=1.0), ToyCosts(SPACE), ["params"])
    ((trial,),) = evaluator.evaluate([Candidate(SPACE.unrank(0), number=0)])
    assert trial.error == "the toy was told to fail on this one"
    assert trial.metrics["params"] == 1400


def test_a_mixture_has_no_costs():
    class Mixing(ToyEvaluator):
        def evaluate(self, batch):
            yield [Trial(candidate, {"loss": 1.0}) for candidate in batch]

    candidate = Candidate(Mixture(SPACE.fingerprint, ((1.0,),)), number=0)
    ((trial,),) = Costed(Mixing(SPACE), ToyCosts(SPACE), ["params"]).evaluate([candidate])
    assert trial.metrics == {"loss": 1.0}
