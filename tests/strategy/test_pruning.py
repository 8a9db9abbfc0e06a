import numpy as np
import pytest

from nasturtium.architecture import Architecture, Mixture
from nasturtium.errors import ConfigError
from nasturtium.protocols import Trial
from nasturtium.space.zoo.fabric import fabric
from nasturtium.strategy.pruning import Pruning
from nasturtium.testing.toys import flat_space


def told(space, strengths, **parameters):
    strategy = Pruning(space, 3, **parameters)
    for candidate in strategy.ask(3):
        strategy.tell([Trial(candidate, {"loss": 1.0})])
    gradient = np.stack([np.zeros(len(strengths)), -strengths], axis=1).reshape(-1)
    strategy.tell([Trial(candidate, {"loss": 1.0}, gradient=gradient)])
    return strategy


def test_every_step_trains_all_edges_and_the_last_asks_for_their_strengths():
    space = fabric()
    points = [candidate.point for candidate in Pruning(space, 4).ask(4)]
    full = Architecture(space.fingerprint, (1,) * len(space.decisions))
    assert points[:3] == [full] * 3
    assert isinstance(points[3], Mixture)
    assert points[3].running == ((1,),) * len(space.decisions)
    again = Pruning(space, 4)
    assert [again.ask(1)[0].point for _ in range(4)] == points


def test_the_weakest_edges_go_first():
    space = fabric()
    strengths = np.random.default_rng(0).permutation(len(space.decisions)).astype(float)
    strategy = told(space, strengths, levels=5)
    best = strategy.best(9)
    assert len(best) == 5
    assert sum(best[0].choices) == len(space.decisions)
    for level, network in enumerate(best):
        kept = np.flatnonzero(network.choices)
        gone = np.flatnonzero(np.array(network.choices) == 0)
        assert len(gone) == level * len(space.decisions) // 5
        assert not len(gone) or strengths[gone].max() < strengths[kept].min()
    assert strategy.best(2) == best[:2]


def test_nothing_is_best_before_the_end():
    strategy = Pruning(fabric(), 3)
    strategy.tell([Trial(one, {"loss": 1.0}) for one in strategy.ask(3)])
    assert strategy.best(3) == []


def test_a_space_that_decides_more_than_edges_is_refused():
    with pytest.raises(ConfigError, match="there or not"):
        Pruning(flat_space(), 3)
    with pytest.raises(ConfigError, match="levels"):
        Pruning(fabric(), 3, levels=0)
