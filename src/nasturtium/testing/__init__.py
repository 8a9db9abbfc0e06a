"""Laws to be kept, as pytest classes to subclass, and toy spaces and evaluators to try them on.

::

    from nasturtium.testing.strategy import StrategyConformance

    class TestMine(StrategyConformance):
        def make(self, space, seed, objectives):
            return Mine(space, seed=seed, objectives=objectives)
"""
