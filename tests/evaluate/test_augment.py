"""Random changes, against the same changes made image by image."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from nasturtium.evaluate.augment import Augment, cut_out, mirrored, shifted


def images(n=5, channels=2, height=6, width=9):
    return torch.arange(1, n * channels * height * width + 1).view(n, channels, height, width) % 251


def rolled(image, dy, dx):
    """The image moved by (dy, dx) with zeros moving in, pixel by pixel."""
    moved = torch.zeros_like(image)
    _, height, width = image.shape
    for y in range(height):
        for x in range(width):
            if 0 <= y - dy < height and 0 <= x - dx < width:
                moved[:, y, x] = image[:, y - dy, x - dx]
    return moved


@given(seed=st.integers(0, 2**31), most=st.integers(1, 3))
def test_every_shifted_image_is_the_image_moved_by_at_most_so_much(seed, most):
    given_ = images(n=3, height=5, width=6)
    result = shifted(given_, most, torch.Generator().manual_seed(seed))
    for before, after in zip(given_, result, strict=True):
        reach = range(-most, most + 1)
        assert any(torch.equal(after, rolled(before, dy, dx)) for dy in reach for dx in reach)


def test_all_shifts_happen():
    dot = torch.zeros(400, 1, 5, 5)
    dot[:, 0, 2, 2] = 1
    result = shifted(dot, 1, torch.Generator().manual_seed(0))
    assert torch.equal(
        result.sum(dim=(0, 1)) > 20, torch.nn.functional.pad(torch.ones(3, 3), (1, 1, 1, 1)) > 0
    )


def test_about_half_are_mirrored_and_the_rest_untouched():
    given_ = images(n=200)
    result = mirrored(given_, torch.Generator().manual_seed(0))
    flipped = [torch.equal(a, b.flip(2)) for a, b in zip(result, given_, strict=True)]
    same = [torch.equal(a, b) for a, b in zip(result, given_, strict=True)]
    assert all(f != s for f, s in zip(flipped, same, strict=True))
    assert 70 < sum(flipped) < 130


def test_cutout_blackens_one_square_clipped_by_the_border():
    result = cut_out(torch.ones(300, 3, 8, 8), 4, torch.Generator().manual_seed(0))
    holes = (result == 0).all(dim=1)
    assert torch.equal(holes, (result == 0).any(dim=1))
    for hole in holes:
        rows, columns = hole.any(dim=1).nonzero(), hole.any(dim=0).nonzero()
        height, width = int(rows.max() - rows.min()) + 1, int(columns.max() - columns.min()) + 1
        assert int(hole.sum()) == height * width
        assert 2 <= min(height, width) <= max(height, width) <= 4


def test_the_same_generator_gives_the_same_changes_and_leaves_the_input_alone():
    given_ = images(height=8).to(torch.uint8)
    before = given_.clone()
    augment = Augment(shift=2, flip=True, cutout=3)
    one = augment(given_, torch.Generator().manual_seed(3))
    two = augment(given_, torch.Generator().manual_seed(3))
    assert torch.equal(one, two)
    assert one.dtype == torch.uint8
    assert torch.equal(given_, before)
    assert not torch.equal(one, augment(given_, torch.Generator().manual_seed(4)))


def test_no_augmentation_is_the_identity():
    given_ = images()
    assert Augment()(given_, torch.Generator()) is given_
