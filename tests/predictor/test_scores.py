"""Scores as columns: their scale does not matter, and they help predictors that see them."""

import math

import numpy as np
import pytest
from scipy.stats import spearmanr

from nasturtium.errors import ConfigError
from nasturtium.predictor.boosting import Boosting
from nasturtium.predictor.forest import Forest
from nasturtium.predictor.gp import GaussianProcess
from nasturtium.predictor.mlp import MLPEnsemble
from nasturtium.predictor.ridge import Ridge
from nasturtium.predictor.scores import ScoreColumns
from nasturtium.seeds import rng_for
from nasturtium.testing.predictor import PredictorConformance
from nasturtium.testing.toys import flat_space, toy_metrics

SPACE = flat_space()
EVERY = list(SPACE)
TRUTH = {one: float(rng_for(0, "truth", i).normal()) for i, one in enumerate(EVERY)}  # nothing to learn but


def hint(one):  # ... this
    return {"hint": math.exp(40 * TRUTH[one]), "noise": float(len(SPACE.text(one)))}


def test_columns_do_not_depend_on_the_scale_of_a_score():
    plain, stretched = (
        ScoreColumns(lambda one: {"s": TRUTH[one]}),
        ScoreColumns(lambda one: {"s": 3e9 * TRUTH[one] - 7}),
    )
    assert np.allclose(plain.fit(EVERY[:20]), stretched.fit(EVERY[:20]))
    assert np.allclose(plain(EVERY[20:]), stretched(EVERY[20:]))
    curved = ScoreColumns(lambda one: {"s": math.exp(40 * TRUTH[one])})
    assert np.allclose(plain.fit(EVERY[:20]), curved.fit(EVERY[:20]))
    assert np.array_equal(
        np.argsort(curved(EVERY[:20])[:, 0]), np.argsort([TRUTH[one] for one in EVERY[:20]])
    )


def test_what_is_no_number_is_in_the_middle_and_infinities_are_at_the_ends():
    values = {one: float(i) for i, one in enumerate(EVERY[:9])}
    odd = dict(zip(EVERY[9:13], (math.nan, math.inf, -math.inf, 1e308), strict=True))
    columns = ScoreColumns(lambda one: {"s": (values | odd)[one]} if one in values | odd else {})
    column = columns.fit(EVERY[:9])[:, 0]
    assert columns([*odd, EVERY[13]])[:, 0].tolist() == [0.0, column.max(), column.min(), column.max(), 0.0]
    with_odd = columns.fit([*values, *odd])
    assert np.isfinite(with_odd).all()


def test_each_architecture_is_scored_once():
    asked = []
    columns = ScoreColumns(lambda one: asked.append(one) or {"s": TRUTH[one]})
    columns.fit(EVERY[:5])
    columns(EVERY[:7])
    assert asked == EVERY[:7]


def test_scores_that_tell_nothing_apart_change_nothing():
    columns = ScoreColumns(lambda one: {"same": 1.0, "never": math.nan})
    assert not columns.fit(EVERY[:5]).any()
    assert columns.fit(EVERY[:1]).shape == (1, 2)


@pytest.mark.parametrize("make", [Ridge, Forest, Boosting, GaussianProcess, MLPEnsemble])
def test_a_predictor_learns_from_scores_what_the_space_does_not_tell(make):
    learn, test = EVERY[::2], EVERY[1::2]
    reached = {}
    for name, scores in (("alone", None), ("scored", hint)):
        predictor = make(SPACE, seed=0, scores=scores)
        predictor.fit(learn, np.array([TRUTH[one] for one in learn]))
        reached[name] = spearmanr(predictor.predict(test)[0], [TRUTH[one] for one in test]).statistic
    assert reached["alone"] < 0.5
    assert reached["scored"] > 0.7


def test_blocks_have_no_scores():
    with pytest.raises(ConfigError, match="there are no scores"):
        MLPEnsemble(SPACE, encoding="blocks", scores=hint)


def counts(space):
    return lambda one: {"params": toy_metrics(space, one).get("params", 1.0)}


class TestScoredBoosting(PredictorConformance):
    def make(self, space, seed):
        return Boosting(space, seed=seed, members=2, scores=counts(space))


class TestScoredGaussianProcess(PredictorConformance):
    learns = 0.8

    def make(self, space, seed):
        return GaussianProcess(space, seed=seed, scores=counts(space))


class TestScoredRidge(PredictorConformance):
    def make(self, space, seed):
        return Ridge(space, seed=seed, scores=counts(space))
