"""BOHB: Hyperband whose candidates come from kernel densities of good and bad ones."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError
from nasturtium.front.objectives import ERROR, Objective, values
from nasturtium.protocols import Candidate, Trial
from nasturtium.seeds import rng_for
from nasturtium.space.space import Space
from nasturtium.strategy.bracket import Brackets
from nasturtium.strategy.density import Coordinates, Density, Rows, fit_density
from nasturtium.strategy.rungs import Fidelities, Sizes, hyperband, ladder
from nasturtium.strategy.scalar import scalar

FLOOR = 1e-32  # below which densities are taken as equal


class BOHB:
    """Starts, in the brackets of Hyperband, what is likelier among the good than among the bad.

    Falkner, Klein and Hutter 2018 (ICML, arXiv:1807.01774), with the details of the authors' HpBandSter. Two
    densities are estimated, of the best 15 % and of the rest, at the largest fidelity that has enough
    results for both; a candidate is the best of some samples by the ratio of the two.

    Differs: with several objectives the results are ranked by a random weighting, drawn for each proposal
    (Knowles 2006). Of two equal candidates in a bracket one goes on. See `fit_density` for bandwidths and
    `SuccessiveHalving` for failures. Needs twice as many results as there are decisions, and two more, before
    it proposes anything but random samples.

    Args:
        space: Where to search.
        seed: The same seed and the same tells give the same asks.
        objectives: What is made small.
        min_fidelity: Spent on the lowest rung at least, in the evaluator's unit (epochs of a training).
        max_fidelity: Spent on the highest rung, R.
        eta: One in eta goes on.
        fidelities: The rungs themselves, instead of min_fidelity and max_fidelity; a single one is the model
            alone, without Hyperband.
        sizes: Starts of the brackets: ``hpbandster`` (81, 27, 9, 6, 5 for R = 81) or ``paper``, those of the
            paper of Hyperband (81, 34, 15, 8, 5).
        top_percent: Share of the results that are good, in percent.
        num_samples: Samples among which each candidate is the best; NAS-Bench-201 uses 4.
        random_fraction: Share of candidates drawn at random all the same; NAS-Bench-201 uses 0.
        bandwidth_factor: Widens the steps of numeric decisions.
        min_bandwidth: Keeps samples apart where all good results agree.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        objectives: Sequence[Objective] = ERROR,
        min_fidelity: int = 1,
        max_fidelity: int = 9,
        eta: int = 3,
        fidelities: Fidelities | None = None,
        sizes: Sizes = "hpbandster",
        top_percent: int = 15,
        num_samples: int = 64,
        random_fraction: float = 1 / 3,
        bandwidth_factor: float = 3.0,
        min_bandwidth: float = 1e-3,
    ) -> None:
        if not 0 < top_percent < 100 or num_samples < 1 or not 0 <= random_fraction <= 1:
            raise ConfigError(
                f"top_percent is {top_percent}, num_samples {num_samples} and random_fraction "
                f"{random_fraction}; they must lie in 1..99, be 1 or more, and lie in 0..1"
            )
        if not (min_bandwidth > 0 and bandwidth_factor > 0):
            raise ConfigError(
                f"min_bandwidth is {min_bandwidth} and bandwidth_factor {bandwidth_factor}; both must be "
                "above 0"
            )
        self.model = DensityModel(
            space,
            seed=seed,
            objectives=objectives,
            top_percent=top_percent,
            num_samples=num_samples,
            random_fraction=random_fraction,
            bandwidth_factor=bandwidth_factor,
            min_bandwidth=min_bandwidth,
        )
        rungs = ladder(fidelities, min_fidelity, max_fidelity, eta)
        self._brackets = Brackets(hyperband(rungs, eta, sizes), self.model, objectives)

    def ask(self, n: int) -> list[Candidate]:
        """Returns `n` candidates: those that go on first, then new ones."""
        return self._brackets.ask(n)

    def tell(self, trials: Sequence[Trial]) -> None:
        """Takes results, for the model and for the rungs."""
        self._brackets.tell(trials)

    def best(self, k: int) -> list[Architecture]:
        """Returns up to `k` distinct architectures, those of the highest fidelity reached first."""
        return self._brackets.best(k)


class DensityModel:
    """Proposes architectures that are likely among the good and unlikely among the bad; see `BOHB`."""

    def __init__(
        self,
        space: Space,
        *,
        seed: int,
        objectives: Sequence[Objective],
        top_percent: int,
        num_samples: int,
        random_fraction: float,
        bandwidth_factor: float,
        min_bandwidth: float,
    ) -> None:
        self.space, self.seed, self.objectives = space, seed, tuple(objectives)
        self.top_percent, self.num_samples = top_percent, num_samples
        self.random_fraction = random_fraction
        self.bandwidth_factor, self.min_bandwidth = bandwidth_factor, min_bandwidth
        self._coordinates = Coordinates(space)
        self._least = len(self._coordinates) + 1  # results in each density
        self._rows: defaultdict[int, list[Rows]] = defaultdict(list)  # by fidelity
        self._worth: defaultdict[int, list[tuple[float, ...]]] = defaultdict(list)
        self._densities: tuple[Density, Density] | None = None
        self._told = self._fitted = 0  # results told, and how many of them the densities know
        self._proposed = 0

    def propose(self, fidelity: int) -> Architecture:
        """Returns the best of some samples of the good density, or a random architecture."""
        rng = rng_for(self.seed, "bohb", self._proposed)
        densities = self._model()
        self._proposed += 1
        if densities is None or rng.random() < self.random_fraction:
            return self.space.sample(rng)
        good, bad = densities
        samples = good.sample(rng, self.num_samples, self.bandwidth_factor)
        ratio = np.maximum(bad(samples), FLOOR) / np.maximum(good(samples), FLOOR)
        return self._coordinates.architecture(samples[int(ratio.argmin())])

    def tell(self, trial: Trial, fidelity: int) -> None:
        """Takes a result; one that failed counts as the worst, an infeasible one not at all."""
        if trial.status != "infeasible":
            self._rows[fidelity].append(self._coordinates.row(trial.architecture))
            self._worth[fidelity].append(values(self.objectives, trial))
            self._told += 1

    def _model(self) -> tuple[Density, Density] | None:
        """Returns the densities of the good and the bad at the largest fidelity that has enough of both."""
        if self._fitted < self._told or len(self.objectives) > 1:
            rng = rng_for(self.seed, "bohb model", self._proposed if len(self.objectives) > 1 else self._told)
            fits = (self._fit(fidelity, rng) for fidelity in sorted(self._rows, reverse=True))
            self._densities = next((fit for fit in fits if fit is not None), None)
            self._fitted = self._told
        return self._densities

    def _fit(self, fidelity: int, rng: np.random.Generator) -> tuple[Density, Density] | None:
        rows, worth = np.array(self._rows[fidelity]), np.array(self._worth[fidelity])
        well = np.isfinite(worth).all(axis=1)
        good = max(self._least, self.top_percent * len(rows) // 100)
        if self._least == 1 or well.sum() < good or len(rows) - good < self._least:
            return None
        scores = np.full(len(rows), np.inf)
        scores[well] = scalar(worth[well], rng)
        ranked = rows[np.argsort(scores, kind="stable")]
        parts = (self._coordinates.imputed(part, rng) for part in (ranked[:good], ranked[good:]))
        first, second = (fit_density(part, self._coordinates.options, self.min_bandwidth) for part in parts)
        return first, second
