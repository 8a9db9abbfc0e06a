"""The laws of a predictor."""

# ruff: noqa: D102 - the name of each test says its law

import random
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr  # type: ignore[import-untyped]

from nasturtium.architecture import Architecture
from nasturtium.predictor.protocol import Predictor
from nasturtium.seeds import rng_for
from nasturtium.space.space import Space
from nasturtium.testing.toys import conditional_space, flat_space, single_space, toy_metrics


class PredictorConformance:
    """Laws that every predictor keeps; subclass it, name it Test..., and give `make`.

    Attributes:
        examples: Architectures that each law learns from.
        learns: Rank correlation with the truth that it reaches on architectures that it has not seen.
        tolerance: How far the same examples in another order may move a guess, as a share of the spread of
            the values.
    """

    examples = 40
    learns = 0.5
    tolerance = 1e-6

    def make(self, space: Space, seed: int) -> Predictor:
        """Returns a fresh predictor."""
        raise NotImplementedError

    def cases(self) -> Iterator[Space]:
        """Yields the spaces that the laws are tried on."""
        yield flat_space()
        yield conditional_space()

    def test_a_mean_and_a_deviation_for_each(self) -> None:
        for space in (*self.cases(), single_space()):
            predictor = self._taught(space)
            for n in (1, 3, 50):
                asked = self._sampled(space, n, "asked")
                mean, std = predictor.predict(asked)
                assert mean.shape == std.shape == (n,), f"{mean.shape}, {std.shape} for {n} on {space.name}"
                assert mean.dtype == std.dtype == np.float64
                assert np.isfinite(mean).all(), f"a mean is not finite on {space.name}"
                assert np.isfinite(std).all(), f"a deviation is not finite on {space.name}"
                assert (std >= 0).all(), f"a deviation is below 0 on {space.name}"

    def test_the_same_seed_guesses_the_same(self) -> None:
        for space in self.cases():
            asked = self._sampled(space, 30, "asked")
            first, second = (self._taught(space, seed=3).predict(asked) for _ in range(2))
            assert np.array_equal(first, second), f"two that learnt the same differ on {space.name}"

    def test_asking_changes_nothing(self) -> None:
        for space in self.cases():
            predictor, asked = self._taught(space), self._sampled(space, 30, "asked")
            once = predictor.predict(asked)
            assert np.array_equal(predictor.predict(asked), once), f"another answer on {space.name}"
            alone = np.concatenate([predictor.predict([one])[0] for one in asked[:5]])
            assert np.allclose(alone, once[0][:5], rtol=1e-3, atol=1e-5), "others asked about change a guess"

    def test_the_order_of_the_examples_changes_nothing(self) -> None:
        for space in self.cases():
            examples, values = self._examples(space)
            asked = self._sampled(space, 30, "asked")
            shuffle = rng_for(0, "predictor conformance/order").permutation(len(examples))
            forth, back = self.make(space, 0), self.make(space, 0)
            forth.fit(examples, values)
            back.fit([examples[i] for i in shuffle], values[shuffle])
            moved = np.abs(forth.predict(asked)[0] - back.predict(asked)[0]).max()
            assert moved <= self.tolerance * values.std(), f"a guess moved by {moved} on {space.name}"

    def test_what_was_learnt_before_is_forgotten(self) -> None:
        for space in self.cases():
            asked = self._sampled(space, 30, "asked")
            predictor, fresh = self._taught(space), self.make(space, 0)
            examples, values = self._examples(space, "other")
            predictor.fit(examples, -values)
            fresh.fit(examples, -values)
            assert np.allclose(predictor.predict(asked), fresh.predict(asked)), f"on {space.name}"

    def test_a_constant_is_guessed(self) -> None:
        for space in (*self.cases(), single_space()):
            predictor = self.make(space, 0)
            examples = self._sampled(space, self.examples, "examples")
            predictor.fit(examples, np.full(len(examples), 7.25))
            mean, _ = predictor.predict(self._sampled(space, 30, "asked"))
            assert np.allclose(mean, 7.25, atol=0.05), f"{mean} instead of 7.25 on {space.name}"

    def test_one_example_is_enough(self) -> None:
        for space in (*self.cases(), single_space()):
            predictor = self.make(space, 0)
            predictor.fit([space.unrank(0)], np.array([0.25]))
            mean, std = predictor.predict(self._sampled(space, 30, "asked"))
            assert np.isfinite(mean).all()
            assert np.isfinite(std).all()

    def test_it_learns(self) -> None:
        for space in self.cases():
            predictor = self._taught(space)
            learnt = {one.choices for one in self._sampled(space, self.examples, "examples")}
            asked = [one for one in space if one.choices not in learnt]
            reached = spearmanr(predictor.predict(asked)[0], self._truth(space, asked)).statistic
            assert reached > self.learns, f"rank correlation {reached:.2f} on {space.name}"

    def test_the_unit_of_the_values_is_kept(self) -> None:
        for space in self.cases():
            examples, values = self._examples(space)
            asked = self._sampled(space, 30, "asked")
            small, large = self.make(space, 0), self.make(space, 0)
            small.fit(examples, values)
            large.fit(examples, 1000 * values - 500)
            mean, _ = small.predict(asked)
            spread = values.std()
            assert np.allclose(large.predict(asked)[0], 1000 * mean - 500, atol=100 * spread), space.name

    def test_it_does_not_move_the_global_generators(self) -> None:
        before = random.getstate(), repr(np.random.get_state())  # noqa: NPY002 - to see that it is not used
        space = flat_space()
        self._taught(space).predict(self._sampled(space, 5, "asked"))
        assert (random.getstate(), repr(np.random.get_state())) == before  # noqa: NPY002

    def _taught(self, space: Space, seed: int = 0) -> Predictor:
        predictor = self.make(space, seed)
        predictor.fit(*self._examples(space))
        return predictor

    def _examples(
        self, space: Space, purpose: str = "examples"
    ) -> tuple[list[Architecture], NDArray[np.float64]]:
        examples = self._sampled(space, self.examples, purpose)
        return examples, self._truth(space, examples)

    def _truth(self, space: Space, architectures: list[Architecture]) -> NDArray[np.float64]:
        return np.array([toy_metrics(space, one)["error"] for one in architectures])

    def _sampled(self, space: Space, n: int, purpose: str) -> list[Architecture]:
        return [space.sample(rng_for(0, f"predictor conformance/{purpose}", i)) for i in range(n)]
