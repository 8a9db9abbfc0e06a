"""A random forest: trees on random halves of the matter, whose disagreement is the uncertainty."""

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


class Forest:
    """Trees grown on bootstrap samples, each split looking at some of the features (Breiman 2001).

    The mean and the spread are over the trees, as in SMAC (Hutter, Hoos and Leyton-Brown 2011).

    Args:
        space: Of the architectures.
        seed: Of the samples and of the features that a split may look at.
        encoding: What the features are; see `Features`.
        trees: How many.
        share: Of the features that each split looks at.
        leaf: Examples that a leaf has at least.
        scale: ``linear``, or ``rank`` to learn the normal scores of the ranks.
        scores: Numbers known of an architecture before any training, as further features; see `ScoreColumns`.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        encoding: Encoding = "rich",
        trees: int = 100,
        share: float = 0.33,
        leaf: int = 1,
        scale: ScaleName = "rank",
        scores: Scores | None = None,
    ) -> None:
        if trees < 1 or leaf < 1 or not 0 < share <= 1:
            raise ConfigError(
                f"trees is {trees}, leaf {leaf} and share {share}; the first two must be 1 or more, the last "
                "above 0 and at most 1"
            )
        self.seed = seed
        self.trees, self.share, self.leaf = trees, share, leaf
        self._features = Features(space, encoding, scores)
        self._scale = Scale(scale)

    def fit(self, architectures: Sequence[Architecture], values: NDArray[np.float64]) -> None:
        """Grows the trees."""
        from sklearn.ensemble import RandomForestRegressor

        examples, column = in_order(architectures, values)
        self._forest = RandomForestRegressor(
            self.trees,
            max_features=self.share,
            min_samples_leaf=self.leaf,
            random_state=seed_for(self.seed, "forest") % 2**32,
        )
        rows = self._features.fit(examples)
        # A space of one architecture has no feature at all, and a tree wants one.
        self._forest.fit(_some(rows), self._scale.fit(column))

    def predict(
        self, architectures: Sequence[Architecture]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Returns means and standard deviations over the trees, both [n]."""
        rows = _some(self._features(architectures)).astype(np.float32)  # what trees compare in
        guesses = np.array([tree.predict(rows, check_input=False) for tree in self._forest.estimators_])
        return self._scale.back(guesses.mean(axis=0), guesses.std(axis=0))


def _some(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    return rows if rows.shape[1] else np.zeros((len(rows), 1))
