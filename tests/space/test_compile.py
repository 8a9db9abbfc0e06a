"""Compiling, against an interpreter that walks the tree and decides on the way; and what is refused."""

from collections import Counter
from dataclasses import dataclass, fields, replace

import pytest
from hypothesis import given, settings

from nasturtium.errors import SpaceError
from nasturtium.space import blocks as b
from nasturtium.space.choice import Choice, Expression, choice
from nasturtium.space.space import Space
from nasturtium.testing.spaces import spaces


class Walk:
    """One run through a tree, deciding when a choice is met: the meaning of the language."""

    def __init__(self, scopes, script):
        self.scopes, self.script, self.taken, self.sizes = scopes, list(script), {}, []

    def decide(self, one, copies):
        key = (id(one), copies[: self.scopes[id(one)]])
        if key not in self.taken:
            option = self.script.pop(0) if self.script else 0
            self.taken[key] = option
            self.sizes.append((option, len(one.options)))
        return one.options[self.taken[key]]

    def visit(self, value, copies=(), stride=None):
        if isinstance(value, Choice):
            return self.visit(self.decide(value, copies), copies, stride)
        if isinstance(value, Expression):
            return value.value({id(one): self.decide(one, copies) for one in value.choices()})
        if isinstance(value, b.Repeat):
            first = stride if stride is not None else value.stride
            rest = None if first is None else 1
            times = self.visit(value.times, copies)
            made = [
                self.visit(value.block, (*copies, (id(value), i)), rest if i else first) for i in range(times)
            ]
            return [block for part in made for block in part]
        if isinstance(value, b.Sequence):
            made = [self.visit(one, copies, None if i else stride) for i, one in enumerate(value.blocks)]
            return [block for part in made for block in part]
        if isinstance(value, b.Block):
            filled = replace(
                value, **{f.name: self.visit(getattr(value, f.name), copies) for f in fields(value)}
            )
            if stride is not None and "stride" in {f.name for f in fields(value)}:
                filled = replace(filled, stride=stride)
            return [filled]
        return value


def shared_depths(tree):
    """How many of the repeats around it the copies of each choice belong to: those around all of its uses."""
    uses = {}

    def look(value, around):
        if isinstance(value, Expression):
            for one in value.choices():
                uses.setdefault(id(one), []).append(() if one.name else around)
                for option in one.options:
                    look(option, around)
        elif isinstance(value, b.Repeat):
            look(value.times, around)
            look(value.block, (*around, id(value)))
        elif isinstance(value, b.Block):
            for one in fields(value):
                look(getattr(value, one.name), around)
        elif isinstance(value, tuple):
            for one in value:
                look(one, around)

    look(tree, ())
    depths = {}
    for key, rows in uses.items():
        depths[key] = next(
            (i for i, column in enumerate(zip(*rows, strict=False)) if len(set(column)) > 1),
            min(map(len, rows)),
        )
    return depths


def every_walk(tree):
    """The blocks of every architecture, by trying each option of each choice when it is met."""
    scopes, script = shared_depths(tree), []
    while script is not None:
        walk = Walk(scopes, script)
        yield walk.visit(tree)
        met = walk.sizes
        while met and met[-1][0] + 1 == met[-1][1]:
            met.pop()
        script = [*(option for option, _ in met[:-1]), met[-1][0] + 1] if met else None


def flat(block):
    return [one for part in block.blocks for one in flat(part)] if isinstance(block, b.Sequence) else [block]


@settings(max_examples=100, deadline=None)
@given(spaces(largest_count=300))
def test_a_space_has_the_architectures_that_a_walk_through_its_tree_finds(space):
    found = Counter(repr(blocks) for blocks in every_walk(space.tree))
    resolved = (
        [one for _, block in space.blocks(architecture) for one in flat(block)] for architecture in space
    )
    assert Counter(map(repr, resolved)) == found


def paths(*blocks, **named):
    return [decision.path for decision in Space(*blocks, **named).decisions]


def test_paths_say_where_a_decision_is():
    space = Space(
        stem=b.conv(choice(8, 16)),
        stage=b.repeat(b.conv(8, kernel=choice(3, 5)), choice(1, 2)),
        end=choice(b.conv(8, act=choice("relu", "silu")), b.identity()),
    )
    assert [decision.path for decision in space.decisions] == [
        "stem.out",
        "stage.times",
        "stage.block1.kernel",
        "stage.block2.kernel",
        "end",
        "end.conv.act",
    ]


def test_one_object_used_twice_is_one_decision():
    width = choice(8, 16)
    assert paths(b.conv(width), b.conv(width * 2)) == ["conv1.out"]


def test_copies_decide_afresh_unless_named_or_used_outside():
    width = choice(8, 16)
    assert paths(b.repeat(b.conv(choice(8, 16)), 2)) == ["stage1.block1.out", "stage1.block2.out"]
    assert paths(b.repeat(b.conv(choice(8, 16, name="width")), 2)) == ["width"]
    assert paths(b.conv(width), b.repeat(b.conv(width), 2)) == ["conv.out"]
    assert paths(b.repeat(b.conv(width), 2), b.repeat(b.conv(width), 2)) == ["stage1.block1.out"]


def test_a_choice_shared_inside_an_outer_repeat_is_decided_once_per_copy_of_that():
    width = choice(8, 16)
    inner = b.sequence(b.conv(width), b.repeat(b.conv(width), 2))
    assert paths(b.repeat(inner, 2)) == ["stage1.block1.conv.out", "stage1.block2.conv.out"]


def test_what_a_shared_choice_holds_is_decided_per_copy():
    op = choice(b.conv(8, kernel=choice(3, 5)), b.identity(), name="op")
    assert paths(b.repeat(op, 2)) == ["op", "stage1.block1.conv.kernel", "stage1.block2.conv.kernel"]


def test_a_decision_of_two_parents_exists_beside_either():
    kernel = choice(3, 5)
    space = Space(b.optional(b.conv(8, kernel=kernel)), b.optional(b.conv(16, kernel=kernel)), b.classifier())
    assert space.count == 2 * 3 + 1
    both = space.parse("choice1=identity choice2=conv choice1.conv.kernel=5")
    assert [block.kernel for _, block in space.blocks(both) if isinstance(block, b.Conv)] == [5]


def test_a_sum_of_two_choices_has_two_decisions():
    space = Space(b.conv(choice(8, 16) + choice(1, 2)), b.classifier())
    assert [decision.path for decision in space.decisions] == ["conv.out", "conv.out2"]
    assert [space.blocks(a)[0][1].out for a in space] == [9, 10, 17, 18]


def test_a_stride_goes_to_the_first_block_that_a_repeat_reaches():
    block = choice(b.conv(8, kernel=3), b.sequence(b.conv(8, kernel=5), b.se()))
    space = Space(b.repeat(b.repeat(block, 2), 2, stride=2), b.classifier())
    first = [one for _, block in space.blocks(space.unrank(0)) for one in flat(block)]
    assert [one.stride for one in first if isinstance(one, b.Conv)] == [2, 1, 1, 1]


def test_the_second_copy_of_a_repeat_that_needs_it_exists_only_then():
    space = Space(b.repeat(b.repeat(b.conv(choice(8, 16)), choice(1, 2)), choice(0, 1, 2)), b.classifier())
    per_stage = 2 + 4
    assert space.count == 1 + per_stage + per_stage**2


def test_decisions_that_no_architecture_can_have_are_left_out():
    times = choice(1, 3)
    space = Space(b.repeat(b.repeat(b.conv(choice(8, 16)), times), 4 - times), b.classifier())
    assert space.count == 2 * 2**3
    assert len(space.decisions) == 1 + 5


@dataclass(frozen=True)
class Holder(b.Block):
    held: object

    def wire(self, net, x):
        return net.act(x)


def circular():
    first, second = choice(0, 1, 2), choice(0, 1, 2)
    outer = choice(
        b.repeat(b.conv(8, stride=second + 1), first), b.repeat(b.conv(8, stride=first + 1), second)
    )
    return Space(outer, b.classifier())


def uncountable():
    numbers = [choice(*range(1, 11)) for _ in range(6)]
    early = (b.conv(8, kernel=one) for one in numbers)
    return Space(*early, *(b.repeat(b.conv(choice(8, 16)), one) for one in numbers))


BAD = {
    "two different choices are called 'w'": lambda: Space(
        b.conv(choice(8, 16, name="w")), b.conv(choice(8, 24, name="w"))
    ),
    "<class 'nasturtium.space.blocks.Conv'> is not a block; it is a class: call it": lambda: Space(b.conv),
    r"conv\.out: Conv is a class; call it to make a block": lambda: Space(b.conv(b.conv)),
    "is not a block; give blocks one by one": lambda: Space([b.conv(8), b.conv(16)]),
    "16 is not a block; blocks are made by conv": lambda: Space(16),
    "it is a function: call it": lambda: Space(b.conv(8), len),
    "stands where a block must stand, but 8 is not a block": lambda: Space(choice(8, 16)),
    r"stem\.out: \[16, 32\] can be changed later": lambda: Space(stem=b.conv([16, 32])),
    r"repeat\(times=-1\); it must be a whole number": lambda: Space(b.repeat(b.conv(8), choice(1, -1))),
    r"repeat\(times=1\.5\)": lambda: Space(b.repeat(b.conv(8), 1.5)),
    r"repeat\(times='two'\)": lambda: Space(b.repeat(b.conv(8), choice(1, "two"))),
    "needs a block with a field `stride`; identity has none": lambda: Space(
        b.repeat(choice(b.conv(8), b.identity()), 2, stride=2)
    ),
    "not an empty sequence": lambda: Space(b.repeat(b.sequence(), 2, stride=2)),
    "but its option 'wide' is not a number": lambda: Space(b.conv(choice(8, "wide") * 2)),
    "cannot be calculated where its choices are": lambda: Space(b.conv(16 // choice(2, 0))),
    "each needs a name of its own": lambda: Space(b.conv(8), conv=b.conv(16)),
    "depend on each other in a circle": circular,
    "is written differently in every process": lambda: Space(Holder(object())),
    "<lambda>.* is written differently in every process": lambda: Space(Holder(lambda x: x)),
    "the space cannot be counted": lambda: uncountable().count,
}


@pytest.mark.parametrize("message", BAD)
def test_a_bad_tree_is_refused(message):
    with pytest.raises(SpaceError, match=message):
        BAD[message]()


def test_two_classes_of_one_name_are_refused():
    def make():
        @dataclass(frozen=True)
        class Twin(b.Block):
            def wire(self, net, x):
                return net.act(x)

        return Twin()

    with pytest.raises(SpaceError, match="two classes are called"):
        Space(make(), make())
