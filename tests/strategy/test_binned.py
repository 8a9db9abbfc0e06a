"""The best of every bin of cost."""

import pytest

from nasturtium.errors import ConfigError
from nasturtium.protocols import Trial
from nasturtium.strategy.binned import BinnedEvolution
from nasturtium.testing.strategy import tell_all
from nasturtium.testing.toys import flat_space


def test_parents_are_the_best_of_each_bin_of_cost():
    space = flat_space()
    strategy = BinnedEvolution(space, over="params", bins=4, population=40)
    told = tell_all(space, strategy.ask(40))
    strategy.tell(told)
    costs = [trial.metrics["params"] for trial in told]
    width = (max(costs) - min(costs)) / 4
    wanted = {}
    for trial in told:
        place = min(int((trial.metrics["params"] - min(costs)) / width), 3)
        best = wanted.get(place)
        if best is None or trial.metrics["error"] < best.metrics["error"]:
            wanted[place] = trial
    assert strategy.elite() == [wanted[place].architecture for place in sorted(wanted)]


def test_what_has_no_cost_shares_a_bin():
    space = flat_space()
    strategy = BinnedEvolution(space, population=4, bins=3)
    asked = strategy.ask(4)
    strategy.tell(
        [Trial(one, {"error": error}) for one, error in zip(asked, (0.4, 0.2, 0.3, 0.5), strict=True)]
    )
    assert strategy.elite() == [asked[1].point]


def test_parameters_out_of_range_are_refused():
    with pytest.raises(ConfigError, match="bins"):
        BinnedEvolution(flat_space(), bins=0)
