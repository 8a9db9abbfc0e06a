"""Proxies below the trainings of a run: candidates of fidelity 0 are scored, the others trained."""

from collections.abc import Callable, Collection, Sequence

from nasturtium.errors import ConfigError
from nasturtium.evaluate.cascade import Cascade
from nasturtium.front.objectives import Objective
from nasturtium.protocols import CostModel, Evaluator
from nasturtium.run.spec import Spec


def cascaded(
    train: Callable[..., Evaluator],
    score: Callable[..., Evaluator],
    costs: CostModel | None = None,
    measure: Sequence[str] = (),
) -> Cascade:
    """Returns the evaluator that scores at fidelity 0 and trains above; both give the costs of `measure`.

    Args:
        train: Makes what trains, with `costs` and `measure`.
        score: Makes what scores, likewise.
        costs: Gives the metrics of `measure`.
        measure: Names of cost metrics.
    """
    return Cascade({0: score(costs=costs, measure=measure), 1: train(costs=costs, measure=measure)})


def check_cascade(
    spec: Spec, proxies: Collection[str], objectives: Sequence[Objective], costs: Collection[str]
) -> None:
    """Sees to it that there are candidates to score, and something to compare them by.

    Raises:
        ConfigError: The method has no rung of fidelity 0, or an objective no value without a training.
    """
    fidelities = str(spec.parameters.get("fidelities", ""))
    if not fidelities.startswith("0"):
        raise ConfigError(
            f"proxies score candidates of fidelity 0, and {spec.method} asks for none: take a method with "
            "rungs (halving, hyperband, asha, bohb) and set its fidelities=0,1,4"
        )
    for objective in objectives:
        if lacking := objective.lacking([*proxies, *costs]):
            raise ConfigError(
                f"minimize {objective} needs {', '.join(sorted(lacking))}, which a network of fidelity 0 has "
                f'not; say what it is compared by: "{objective} or -{min(proxies)}"'
            )
