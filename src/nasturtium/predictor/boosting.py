"""Gradient boosting: trees that mend each other's errors, a few such rows side by side."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError
from nasturtium.predictor.examples import Scale, ScaleName, in_order
from nasturtium.predictor.features import Encoding, Features
from nasturtium.predictor.scores import Scores
from nasturtium.seeds import seed_for
from nasturtium.space.space import Space


class Boosting:
    """Small trees, each fitted to what those before it leave over (Friedman 2001, 2002).

    Several such rows of trees, which see other samples of the examples and features, give the mean and the
    spread. White et al. 2021 (How powerful are performance predictors, arXiv:2104.01177) found boosted trees
    among the best for tens to hundreds of examples.

    Args:
        space: Of the architectures.
        seed: Of the samples.
        encoding: What the features are; see `Features`.
        members: Rows of trees.
        trees: In each row.
        depth: Of each tree.
        rate: Share of its guess that a tree adds.
        sample: Share of the examples that a tree sees.
        share: Of the features that each split looks at.
        scale: ``linear``, or ``rank`` to learn the normal scores of the ranks.
        scores: Numbers known of an architecture before any training, as further features; see `ScoreColumns`.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        encoding: Encoding = "rich",
        members: int = 5,
        trees: int = 100,
        depth: int = 3,
        rate: float = 0.1,
        sample: float = 0.7,
        share: float = 0.33,
        scale: ScaleName = "rank",
        scores: Scores | None = None,
    ) -> None:
        if min(members, trees, depth) < 1:
            raise ConfigError(f"members is {members}, trees {trees} and depth {depth}; all must be 1 or more")
        for name, value in (("rate", rate), ("sample", sample), ("share", share)):
            if not 0 < value <= 1:
                raise ConfigError(f"{name} is {value}; it must be above 0 and at most 1")
        self.seed = seed
        self.members, self.trees, self.depth = members, trees, depth
        self.rate, self.sample, self.share = rate, sample, share
        self._features = Features(space, encoding, scores)
        self._scale = Scale(scale)

    def fit(self, architectures: Sequence[Architecture], values: NDArray[np.float64]) -> None:
        """Grows every row of trees."""
        from sklearn.ensemble import GradientBoostingRegressor

        examples, column = in_order(architectures, values)
        rows, scores = self._features.fit(examples), self._scale.fit(column)
        if not rows.shape[1]:  # a space of one architecture has no feature at all, and a tree wants one
            rows = np.zeros((len(rows), 1))
        self._rows = [
            GradientBoostingRegressor(
                n_estimators=self.trees,
                max_depth=self.depth,
                learning_rate=self.rate,
                subsample=max(self.sample, 1 / len(rows)),
                max_features=self.share,
                random_state=seed_for(self.seed, "boosting", member) % 2**32,
            ).fit(rows, scores)
            for member in range(self.members)
        ]

    def predict(
        self, architectures: Sequence[Architecture]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Returns means and standard deviations over the rows of trees, both [n]."""
        features = self._features(architectures)
        if not features.shape[1]:
            features = np.zeros((len(features), 1))
        guesses = np.array([row.predict(features) for row in self._rows])
        return self._scale.back(guesses.mean(axis=0), guesses.std(axis=0))
