import nasturtium as nt
from nasturtium.strategy.random import RandomSearch
from nasturtium.testing.toys import ToyCosts, ToyEvaluator, flat_space


class Thrifty(RandomSearch):
    """Random search that wants to know what networks cost."""

    seen = ()

    def __init__(self, space, *, seed=0, objectives=(), costs=None):
        super().__init__(space, seed=seed, objectives=objectives)
        Thrifty.seen = (*Thrifty.seen, costs)


def test_a_method_that_takes_costs_is_given_the_cost_model(tmp_path):
    space = flat_space()
    costs, evaluator = ToyCosts(space), ToyEvaluator(space)
    common = {"evaluator": evaluator, "minimize": ("error", "params"), "budget": 3, "baseline": False}
    nt.search(space, method=Thrifty, costs=costs, out=tmp_path / "with", **common)
    nt.search(space, method=Thrifty, out=tmp_path / "without", **common)
    assert Thrifty.seen == (costs, None)
