from nasturtium.space.zoo.fcnet import fcnet
from nasturtium.testing.space import SpaceConformance


class TestFcnet(SpaceConformance):
    samples = 20
    enumerable = 0

    def make(self):
        return fcnet()


def test_the_grid_is_the_papers():
    """Klein & Hutter 2019, table 1: 6 x 6 units, 2 x 2 activations, 3 x 3 dropouts, 4 x 6 x 2 settings."""
    space = fcnet()
    assert space.count == 62_208
    assert all(decision.always for decision in space.decisions)
    assert space.settings(space.unrank(0)) == {"batch_size": 8, "init_lr": 5e-4, "lr_schedule": "cosine"}
    assert [d.path for d in space.decisions][-3:] == [
        "training.batch_size",
        "training.init_lr",
        "training.lr_schedule",
    ]
