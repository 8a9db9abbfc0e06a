from hypothesis import given, settings

from nasturtium.space import blocks as b
from nasturtium.space import slots
from nasturtium.space.choice import choice
from nasturtium.space.slots import canonical_text
from nasturtium.space.space import Space
from nasturtium.testing.spaces import spaces


@settings(max_examples=25, deadline=None)
@given(spaces(largest_count=60))
def test_what_is_kept_is_what_would_be_made_anew(space):
    kept = [[(path, repr(block)) for path, block in space.blocks(architecture)] for architecture in space]
    for architecture, before in zip(space, kept, strict=True):
        fresh = Space(*space.tree.blocks)  # with nothing kept yet
        made = fresh.blocks(fresh.unrank(space.rank(architecture)))
        assert before == [(path, repr(block)) for path, block in made]


def test_a_full_cache_changes_nothing(monkeypatch):
    monkeypatch.setattr(slots, "LARGEST_CACHE", 1)
    space = Space(b.repeat(b.conv(choice(8, 16), kernel=choice(3, 5)), choice(1, 2)), b.classifier())
    forms = {space.canonical(architecture) for architecture in space}
    assert len(forms) == space.count
    assert {space.canonical(architecture) for architecture in space} == forms


def test_copies_that_share_their_choices_share_what_is_made():
    space = Space(b.repeat(b.conv(choice(8, 16, name="width")), 3), b.classifier())
    first, second, third, _ = space.slots(space.unrank(1))
    assert first is second is third


def test_blocks_that_do_nothing_have_no_text():
    assert canonical_text(b.identity()) == ""
    assert canonical_text(b.sequence(b.identity(), b.sequence(b.identity()))) == ""


def test_how_blocks_are_grouped_does_not_matter():
    flat = Space(b.conv(8), b.se(), b.classifier())
    nested = Space(b.sequence(b.conv(8), b.identity()), b.repeat(b.se(), 1), b.classifier())
    assert flat.canonical(flat.unrank(0)) == nested.canonical(nested.unrank(0))


def test_blocks_of_different_kinds_are_never_equal():
    forms = {
        canonical_text(block) for block in (b.max_pool(), b.avg_pool(), b.se(), b.conv(8), b.separable(8))
    }
    assert len(forms) == 5
