"""SMAC: expected improvement of a random forest over a conditional space, through smac3."""

from __future__ import annotations

import logging
import math
import tempfile
import warnings
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError
from nasturtium.front.objectives import ERROR, Objective
from nasturtium.protocols import Candidate, Trial
from nasturtium.seeds import rng_for, seed_for
from nasturtium.space.decisions import Decision, Place
from nasturtium.space.space import Space
from nasturtium.strategy.archive import Archive
from nasturtium.strategy.tpe import rises

if TYPE_CHECKING:
    from ConfigSpace import ConfigurationSpace
    from smac import HyperparameterOptimizationFacade, Scenario
    from smac.runhistory.dataclasses import TrialInfo

UNLIMITED = 10**6  # trials that SMAC may plan with; the loop ends a search, not the strategy
SEEDS = 2**31  # what SMAC's generators take
RETRIES = 200  # known networks in a row before SMAC gives up
ONLY_SEED = 0  # of every trial in a scenario that is called deterministic


class SMAC:
    """Asks for what a random forest expects to improve most, found by local search and among random ones.

    Hutter, Hoos and Leyton-Brown 2011; Lindauer et al. 2022 (arXiv:2109.09831), as smac3's facade for
    hyperparameter optimisation sets it up: a Sobol design first, ten trees, expected improvement of the
    logarithm of the cost, a fifth of the asks at random (a half in Hutter et al.). Decisions exist in its
    space under the same conditions as in ours.

    Differs: an initial design of ten networks, 1,000 challengers and a forest grown anew for every ask (there
    ten a decision, 10,000 and some asks). Each network is evaluated once, so there is no racing. Several
    objectives are joined anew whenever the forest is grown (Knowles 2006, ParEGO). A failed or infeasible
    network teaches nothing. When SMAC finds no network that it has not asked for, samples are drawn.

    Args:
        space: Where to search.
        seed: The same seed and the same tells give the same asks.
        objectives: What is made small.
        startup: Networks of the initial design.
        retrain: Asks between two growings of the forest.
        challengers: Random networks that the forest looks at, beside those that a local search visits.
        ordered: Whether options that are rising numbers are steps of a scale; otherwise they are labels.

    Raises:
        ConfigError: smac3 is not installed.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        objectives: Sequence[Objective] = ERROR,
        startup: int = 10,
        retrain: int = 1,
        challengers: int = 1000,
        ordered: bool = True,
    ) -> None:
        if min(startup, retrain, challengers) < 1:
            raise ConfigError(
                f"startup is {startup}, retrain {retrain} and challengers {challengers}; all must be 1 or "
                "more"
            )
        _require()
        self.space = space
        self.seed = seed
        self.startup = startup
        self.retrain = retrain
        self.challengers = challengers
        self.ordered = ordered
        self._archive = Archive(objectives)
        self._waiting: dict[Architecture, list[TrialInfo | None]] = {}  # oldest first; None: SMAC did not ask
        self._told: set[Architecture] = set()
        self._asked = 0
        self._exhausted = False

    def ask(self, n: int) -> list[Candidate]:
        """Returns `n` candidates."""
        return [self._next() for _ in range(n)]

    def tell(self, trials: Sequence[Trial]) -> None:
        """Takes results, those of networks that were never asked for included."""
        for trial in trials:
            worth = self._archive.record(trial)
            waiting = self._waiting.get(trial.architecture)
            info = waiting.pop(0) if waiting else None
            if info is not None or (worth is not None and trial.architecture not in self._told):
                self._report(trial.architecture, info, worth)

    def best(self, k: int) -> list[Architecture]:
        """Returns up to `k` distinct architectures, best first."""
        return self._archive.best(k)

    def _next(self) -> Candidate:
        info = self._planned()
        if info is None:
            architecture = self.space.sample(rng_for(self.seed, "smac", self._asked))
        else:
            architecture = self._architecture(dict(info.config))
        self._waiting.setdefault(architecture, []).append(info)
        self._asked += 1
        return Candidate(architecture)

    def _planned(self) -> TrialInfo | None:
        if self._exhausted or not self._deciding:
            return None
        from smac.main.exceptions import ConfigurationSpaceExhaustedException

        try:
            with warnings.catch_warnings():
                # For its log it takes the mean time of local searches, also where there was none.
                warnings.filterwarnings("ignore", "Mean of empty|invalid value", RuntimeWarning)
                return self._facade.ask()
        except (StopIteration, ConfigurationSpaceExhaustedException):
            self._exhausted = True
            return None

    def _report(
        self, architecture: Architecture, info: TrialInfo | None, worth: tuple[float, ...] | None
    ) -> None:
        if not self._deciding:
            return
        from smac.runhistory.dataclasses import TrialInfo, TrialValue
        from smac.runhistory.enumerations import StatusType

        if info is None:
            info = TrialInfo(self._configuration(architecture), seed=ONLY_SEED)
        self._told.add(architecture)
        cost = list(worth) if worth is not None else [math.inf] * len(self._archive.objectives)
        status = StatusType.SUCCESS if worth is not None else StatusType.CRASHED
        value = TrialValue(cost if len(cost) > 1 else cost[0], status=status)
        self._facade.tell(info, value, save=False)

    @property
    def _deciding(self) -> list[tuple[int, Decision]]:
        """Number and decision, of those that have a second option."""
        return [(i, d) for i, d in enumerate(self.space.decisions) if len(d.labels) > 1]

    def _architecture(self, taken: dict[str, Any]) -> Architecture:
        choices = [int(taken.get(d.path, 0)) for d in self.space.decisions]
        return Architecture(self.space.fingerprint, tuple(choices))

    def _configuration(self, architecture: Architecture) -> Any:
        from ConfigSpace import Configuration

        active = self.space.active(architecture)
        taken = {d.path: architecture.choices[i] for i, d in self._deciding if active[i]}
        return Configuration(self._facade.scenario.configspace, values=taken)

    @cached_property
    def _facade(self) -> HyperparameterOptimizationFacade:
        from smac import HyperparameterOptimizationFacade as Facade
        from smac import Scenario
        from smac.multi_objective.parego import ParEGO
        from smac.runhistory.encoder import RunHistoryLogScaledEncoder
        from smac.runner.abstract_runner import StatusType

        logging.getLogger("smac").setLevel(logging.CRITICAL)  # it reports what the loop knows
        names = [f"objective{i}" for i in range(len(self._archive.objectives))]
        # A scenario makes a folder and writes itself there, which nothing reads.
        with tempfile.TemporaryDirectory() as folder:
            scenario = Scenario(
                self._configuration_space(),
                objectives=names if len(names) > 1 else names[0],
                deterministic=True,
                n_trials=UNLIMITED,
                seed=seed_for(self.seed, "smac") % SEEDS,
                output_directory=Path(folder),
            )
            return Facade(
                scenario,
                model=self._forest(scenario),
                acquisition_maximizer=self._maximizer(scenario),
                initial_design=Facade.get_initial_design(scenario, n_configs=self.startup, max_ratio=1),
                intensifier=Facade.get_intensifier(scenario, max_config_calls=1),
                multi_objective_algorithm=ParEGO(scenario) if len(names) > 1 else None,
                runhistory_encoder=RunHistoryLogScaledEncoder(
                    scenario, considered_states=[StatusType.SUCCESS]
                ),
                config_selector=Facade.get_config_selector(
                    scenario, retrain_after=self.retrain, retries=RETRIES
                ),
                logging_level=False,
                overwrite=True,
            )

    def _maximizer(self, scenario: Scenario) -> Any:
        """Returns the facade's maximiser, made to start its local searches in one order in every process.

        Its starting points come out of a set, in an order that the hash seed of the process decides; a killed
        search, gone on with in another process, would then ask for something else.
        """
        from smac import HyperparameterOptimizationFacade as Facade

        maximizer = Facade.get_acquisition_maximizer(scenario, challengers=self.challengers)
        search = maximizer._local_search
        starts = search._get_init_points_from_previous_configs
        search._get_init_points_from_previous_configs = lambda *given: sorted(starts(*given), key=repr)
        return maximizer

    def _forest(self, scenario: Scenario) -> Any:
        """Returns the facade's forest, made quick for the few hundred rows that it sees here.

        On several cores, threads cost more than they save; and its bound of a million leaves, which nothing
        reaches, has every tree ask for the memory of so many.
        """
        from smac.model.random_forest.random_forest import RandomForest

        return RandomForest(
            scenario.configspace,
            log_y=True,
            n_trees=10,
            ratio_features=1.0,
            min_samples_split=2,
            min_samples_leaf=1,
            max_leaf_nodes=None,
            seed=scenario.seed,
            n_jobs=1,
        )

    def _configuration_space(self) -> ConfigurationSpace:
        """Returns the space in SMAC's language."""
        from ConfigSpace import (
            CategoricalHyperparameter,
            ConfigurationSpace,
            UniformIntegerHyperparameter,
        )

        made = ConfigurationSpace()
        for _, decision in self._deciding:
            size = len(decision.labels)
            if self.ordered and rises(decision):
                made.add(UniformIntegerHyperparameter(decision.path, 0, size - 1))
            else:
                made.add(CategoricalHyperparameter(decision.path, list(range(size))))
        for _, decision in self._deciding:
            if not decision.always:
                made.add(self._condition(made, decision))
        return made

    def _condition(self, made: ConfigurationSpace, decision: Decision) -> Any:
        """Returns when a decision exists: at any of its places, where all of the place's literals hold."""
        from ConfigSpace import AndConjunction, InCondition, OrConjunction

        child = made[decision.path]

        def all_of(place: Place) -> Any:
            literals = [
                InCondition(child, made[self.space.decisions[parent].path], sorted(options))
                for parent, options in place
                if len(self.space.decisions[parent].labels) > 1
            ]
            return literals[0] if len(literals) == 1 else AndConjunction(*literals)

        places = [all_of(place) for place in decision.places]
        return places[0] if len(places) == 1 else OrConjunction(*places)


def _require() -> None:
    try:
        import smac  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            f'the method smac needs smac3, which cannot be imported ({error}): pip install "nasturtium[bo]"'
        ) from error
