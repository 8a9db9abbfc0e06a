"""The LSTM controller taught by REINFORCE."""

import numpy as np
import pytest

from nasturtium.errors import ConfigError
from nasturtium.protocols import Trial
from nasturtium.run.names import space_named
from nasturtium.strategy.controller import Controller, skips_of
from nasturtium.testing.strategy import tell_all
from nasturtium.testing.toys import conditional_space, flat_space


def test_it_learns_what_is_good_on_a_conditional_space():
    space, errors = conditional_space(), []
    strategy = Controller(space, learning_rate=0.01, units=8, power=1.0)
    for _ in range(110):
        (candidate,) = strategy.ask(1)
        told = tell_all(space, [candidate])
        strategy.tell(told)
        errors.append(told[0].metrics["error"])
    # Measured: 0.53 to 0.60 at first, 0.37 to 0.39 in the end, which is the lowest there is.
    assert np.mean(errors[-30:]) < np.mean(errors[:30]) - 0.08


def test_results_in_batches_make_one_step():
    space = flat_space()
    strategy = Controller(space, batch=4, units=4)
    start = [p.clone() for p in strategy.policy.parameters()]
    asked = strategy.ask(4)
    for i, candidate in enumerate(asked):
        strategy.tell([Trial(candidate, {"error": i / 10})])
        moved = any((a != b).any() for a, b in zip(start, strategy.policy.parameters(), strict=True))
        assert moved == (i == 3)


def test_skips_of_the_chain_are_attention_to_the_layer_before():
    space = space_named("chain")
    assert skips_of(space) == {f"layer{i}.skip": f"layer{i - 1}.skip" for i in (2, 3, 4)}
    paths = [decision.path for decision in space.decisions]
    anchors = {
        paths[skip]: paths[anchor] for skip, anchor in Controller(space, units=4).policy.anchors.items()
    }
    assert anchors == skips_of(space)
    assert Controller(space, units=4, skips={}).policy.anchors == {}
    assert skips_of(conditional_space()) == {}


@pytest.mark.parametrize("given", [{"learning_rate": 0}, {"entropy": -1}, {"layers": 0}, {"units": 0}])
def test_parameters_that_make_no_sense_are_refused(given):
    with pytest.raises(ConfigError, match="they must be above 0"):
        Controller(flat_space(), **given)
