"""Settings: decisions that add no layer."""

import pickle

import pytest

from nasturtium.cost.counts import Counted
from nasturtium.errors import SpaceError
from nasturtium.space import blocks as b
from nasturtium.space.choice import choice
from nasturtium.space.space import Space
from nasturtium.testing.space import SpaceConformance


def joint():
    """2 widths x (2 x 2 settings of sgd + 3 of adamw) x 2 batch sizes."""
    width = choice(8, 16)
    return Space(
        b.conv(width),
        b.settings(batch_size=choice(16, 32), width=width * 2),
        choice(
            b.settings(optimizer="sgd", lr=choice(0.1, 0.2), momentum=choice(0.0, 0.9)),
            b.settings(optimizer="adamw", lr=choice(0.001, 0.01, 0.1)),
            labels=("sgd", "adamw"),
        ),
        b.classifier(),
        name="joint",
        input_shape=(1, 8, 8),
        outputs=10,
    )


class TestJoint(SpaceConformance):
    samples = 20

    def make(self):
        return joint()


def test_settings_are_decisions_named_after_them():
    assert {decision.path for decision in joint().decisions} == {
        "conv.out",
        "settings.batch_size",
        "choice",
        "choice.sgd.lr",
        "choice.sgd.momentum",
        "choice.adamw.lr",
    }
    assert joint().count == 2 * (2 * 2 + 3) * 2


def test_they_are_read_back_where_they_exist():
    space = joint()
    one = space.architecture(conv__out=16, settings__batch_size=32, choice="adamw", choice__adamw__lr=0.01)
    assert space.settings(one) == {"batch_size": 32, "width": 32, "optimizer": "adamw", "lr": 0.01}
    assert space.settings(space.unrank(0)) == {
        "batch_size": 16,
        "width": 16,
        "optimizer": "sgd",
        "lr": 0.1,
        "momentum": 0.0,
    }
    assert Space(b.conv(8), b.classifier()).settings(Space(b.conv(8), b.classifier()).unrank(0)) == {}


def test_a_space_says_all_values_that_its_settings_can_have():
    assert joint().possible_settings == {
        "batch_size": (16, 32),
        "width": (16, 32),
        "optimizer": ("sgd", "adamw"),
        "lr": (0.1, 0.2, 0.001, 0.01),
        "momentum": (0.0, 0.9),
    }
    assert Space(b.conv(8)).possible_settings == {}


def test_architectures_that_differ_in_settings_alone_are_different_but_the_same_network():
    space = joint()
    one, other = (space.architecture(settings__batch_size=size) for size in (16, 32))
    assert space.canonical(one) != space.canonical(other)
    assert space.network(one).layers == space.network(other).layers
    assert Counted(space).counts(one) == Counted(space).counts(other)
    assert len({space.canonical(architecture) for architecture in space}) == space.count


def test_settings_are_part_of_what_the_space_is():
    def make(values):
        return Space(b.conv(8), b.settings(lr=choice(*values)), b.classifier())

    assert make((0.1, 0.2)).fingerprint == make((0.1, 0.2)).fingerprint != make((0.1, 0.3)).fingerprint
    assert pickle.loads(pickle.dumps(joint())).fingerprint == joint().fingerprint


def test_a_setting_given_twice_is_named():
    twice = Space(b.settings(lr=0.1), b.settings(lr=choice(0.1, 0.2)), b.conv(8), name="twice")
    with pytest.raises(SpaceError, match="twice: the setting 'lr' is given twice; give it once"):
        twice.settings(twice.unrank(0))


def test_a_setting_is_no_block():
    with pytest.raises(SpaceError, match="the setting 'head' has a block among its values"):
        b.settings(head=choice(b.conv(8), b.identity()))
    with pytest.raises(SpaceError, match=r"settings\(\) needs at least one value"):
        b.settings()


def test_settings_alone_are_a_space_of_no_network():
    space = Space(b.settings(lr=choice(0.1, 0.2)), input_shape=(1, 8, 8), outputs=2)
    assert space.count == 2
    assert space.blocks(space.unrank(1))[0][1].label == "settings lr=0.2"
