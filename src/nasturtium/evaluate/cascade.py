"""The evaluator whose cheap levels sift what the dear ones train."""

from collections.abc import Iterator, Mapping, Sequence

from nasturtium.errors import ConfigError
from nasturtium.protocols import Candidate, Evaluator, Trial


class Cascade:
    """Hands each candidate to the evaluator of its fidelity: proxies, short trainings, whole ones.

    ``Cascade({0: proxy, 1: scratch})`` scores candidates of fidelity 0 without training, and trains all
    others for as many epochs as their fidelity says. So a method with rungs (halving, Hyperband, ASHA, BOHB)
    over ``fidelities="0,2,12"`` climbs from proxies to whole trainings. A training goes on from the weights
    of its parent where there are some; a parent that was only scored has none.

    A score is no error, so say what each level is compared by: ``minimize="error or -synflow"`` is the error
    where there was a training. Levels are never compared with each other, and what a run reports is of the
    highest.

    Args:
        levels: Lowest fidelity that it serves, to evaluator. A candidate goes to the highest level that is
            not above its fidelity, one without a fidelity to the highest of all.

    Raises:
        ConfigError: No levels, or a fidelity below 0.
    """

    def __init__(self, levels: Mapping[int, Evaluator]) -> None:
        if not levels or min(levels) < 0:
            raise ConfigError(f"levels are {sorted(levels)}; give one or more, from fidelity 0 on")
        self.levels = dict(sorted(levels.items()))

    @property
    def slots(self) -> int:
        """What every level can take: the fidelity of the next candidate is not known yet."""
        return min(level.slots for level in self.levels.values())

    @property
    def pending(self) -> int:
        """Those of all levels."""
        return sum(level.pending for level in self._evaluators())

    def evaluate(self, batch: Sequence[Candidate]) -> Iterator[Sequence[Trial]]:
        """Yields what the levels do, the lowest first; nothing given waits for those that work."""
        parts: dict[int, list[Candidate]] = {}
        for candidate in batch:
            level = self._level(candidate)
            if level is None:
                lowest = f"the lowest level of the cascade is fidelity {min(self.levels)}"
                yield [Trial(candidate, status="failed", error=f"{lowest}, not {candidate.fidelity}")]
            else:
                parts.setdefault(level, []).append(candidate)
        for fidelity in sorted(parts):
            yield from self.levels[fidelity].evaluate(parts[fidelity])
        for evaluator in () if batch else self._evaluators():
            if evaluator.pending:
                yield from evaluator.evaluate([])

    def _level(self, candidate: Candidate) -> int | None:
        if candidate.fidelity is None:
            return max(self.levels)
        return max((one for one in self.levels if one <= candidate.fidelity), default=None)

    def _evaluators(self) -> list[Evaluator]:
        """Each evaluator once, also where it serves several levels."""
        return list({id(level): level for level in self.levels.values()}.values())
