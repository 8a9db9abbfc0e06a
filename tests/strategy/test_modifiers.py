from collections import Counter

from nasturtium.seeds import rng_for
from nasturtium.space.blocks import classifier, conv, optional, repeat
from nasturtium.space.choice import choice
from nasturtium.space.space import Space
from nasturtium.space.zoo.nasbench201 import nasbench201
from nasturtium.strategy.modifiers import Modifiers
from nasturtium.testing.toys import conditional_space


def wide():
    """Eight widths in a row, not listed in order, and nothing else to decide."""
    return Space(*(conv(choice(32, 8, 16, 64)) for _ in range(8)), classifier(), name="wide")


def test_children_lie_in_the_space():
    space = Space(
        repeat(conv(choice(4, 8, 16), kernel=choice(1, 3)), times=choice(1, 2, 3)),
        optional(conv(choice(4, 8, 12))),
        classifier(),
    )
    for here in (space, conditional_space(), nasbench201()):
        modifiers = Modifiers(here)
        for i in range(200):
            rng = rng_for(0, "modify", i)
            parent = here.sample(rng)
            assert modifiers(parent, rng) in here


def test_sizes_go_a_step_up_or_down_and_en_masse_in_one_direction():
    space = wide()
    modifiers, order = Modifiers(space), [1, 2, 0, 3]
    parent = space.parse(" ".join(f"{d.path}=16" for d in space.decisions))
    steps = Counter()
    for i in range(600):
        child = modifiers._changed(parent, rng_for(0, "step", i))
        moves = [order.index(new) - 1 for new in child.choices]
        changed = [k for k, move in enumerate(moves) if move]
        steps[len(changed)] += 1
        if len(changed) > 1:
            assert {moves[k] for k in changed} in ({1}, {-1})
            assert changed == list(range(changed[0], changed[-1] + 1)), "not contiguous"
    assert set(steps) == {1, 2, 4}  # an eighth, a quarter and half of eight layers
    # A sixth of the changes are en masse, a third of these of each length.
    assert abs(steps[2] - 600 / 18) < 20
    assert abs(steps[4] - 600 / 18) < 20


def test_one_to_five_changes_are_made_at_once():
    space = Space(*(conv(8, kernel=3, act=choice("relu", "silu")) for _ in range(40)), classifier())
    modifiers = Modifiers(space)
    parent = space.unrank(0)
    found = Counter(space.distance(parent, modifiers(parent, rng_for(0, "many", i))) for i in range(1000))
    assert set(found) <= {0, 1, 2, 3, 4, 5}
    assert abs(found[1] - 500) < 70  # a second change rarely undoes the first
    assert abs(found[2] - 250) < 60
