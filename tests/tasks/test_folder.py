"""Folders of images: layouts, sizes, colours and everything that can be wrong with them."""

import numpy as np
import pytest
import torch
from PIL import Image

from nasturtium.errors import DataError
from nasturtium.tasks import cache, image_classification


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NASTURTIUM_CACHE", str(tmp_path / "cache"))


def paint(path, value, size=(12, 12), mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value).save(path)


@pytest.fixture
def photos(tmp_path):
    """Two classes of six plain red and blue images."""
    root = tmp_path / "photos"
    for number in range(6):
        paint(root / "red" / f"{number}.png", (250 - number, 0, 0))
        paint(root / "blue" / f"{number}.png", (0, 0, 250 - number))
    return root


def error_of(root, **settings):
    with pytest.raises(DataError) as problem:
        image_classification(f"folder:{root}", **settings)
    return str(problem.value)


def test_class_folders_become_classes_in_alphabetical_order(photos):
    task = image_classification(f"folder:{photos}")
    assert task.class_names == ("blue", "red")
    assert task.input_shape == (3, 12, 12)
    for split in (task.train, task.valid, task.test):
        assert torch.equal(split.images[:, 0, 0, 0] > split.images[:, 2, 0, 0], split.labels == 1)
    assert len(task.train) + len(task.valid) + len(task.test) == 12


def test_a_test_folder_is_the_test_split(photos, tmp_path):
    (tmp_path / "both").mkdir()
    photos.rename(tmp_path / "both" / "train")
    paint(tmp_path / "both" / "test" / "red" / "x.png", (9, 0, 0))
    task = image_classification(f"folder:{tmp_path / 'both'}")
    assert len(task.full) == 12
    assert task.test.labels.tolist() == [1]
    assert task.describe()["test_split"] == "the source's own"


def test_mixed_sizes_become_squares_of_the_smallest_side_in_eights(photos):
    paint(photos / "red" / "wide.png", (1, 2, 3), size=(40, 21))
    paint(photos / "red" / "tall.png", (1, 2, 3), size=(19, 90))
    task = image_classification(f"folder:{photos}")
    assert task.input_shape == (3, 8, 8)
    assert "scaled and centre-cropped from sides of 12 to 90" in task.describe()["preparation"]
    assert image_classification(f"folder:{photos}", image_size=16).input_shape == (3, 16, 16)


def test_large_photos_become_64_pixels(tmp_path):
    for name in ("a", "b"):
        for number in range(3):
            paint(tmp_path / "big" / name / f"{number}.jpg", (number, 50, 90), size=(300, 200))
    assert image_classification(f"folder:{tmp_path / 'big'}").input_shape == (3, 64, 64)


def test_a_resized_image_is_its_centre_and_keeps_its_proportions(photos):
    wide = np.zeros((16, 48, 3), np.uint8)
    wide[:, 16:32] = 255
    Image.fromarray(wide).save(photos / "red" / "wide.png")
    task = image_classification(f"folder:{photos}", image_size=8)
    images = torch.cat([task.full.images, task.test.images])
    assert (images.amin(dim=(1, 2, 3)) > 200).sum() == 1


def test_grey_transparent_palette_and_16_bit_images_become_rgb_together(photos):
    paint(photos / "red" / "grey.png", 77, mode="L")
    paint(photos / "red" / "clear.png", (255, 0, 0, 0), mode="RGBA")
    paint(photos / "red" / "cmyk.jpg", (0, 0, 0, 0), mode="CMYK")
    Image.fromarray(np.full((12, 12), 40_000, np.uint16)).save(photos / "red" / "deep.png")
    Image.new("RGB", (12, 12), (3, 200, 3)).quantize(2).save(photos / "red" / "palette.png")
    task = image_classification(f"folder:{photos}")
    images = torch.cat([task.full.images, task.test.images])
    colours = {tuple(image[:, 5, 5].tolist()) for image in images}
    assert {(77, 77, 77), (255, 255, 255), (155, 155, 155), (3, 200, 3)} <= colours
    assert "2 grey images converted" in task.describe()["preparation"]


def test_grey_images_alone_stay_grey_and_are_not_mirrored(tmp_path):
    for name in ("a", "b"):
        for number in range(3):
            paint(tmp_path / "grey" / name / f"{number}.png", number, mode="L")
    task = image_classification(f"folder:{tmp_path / 'grey'}")
    assert task.input_shape == (1, 12, 12)
    assert not task.flip


def test_a_camera_rotation_is_applied(photos):
    half = np.zeros((12, 12, 3), np.uint8)
    half[:, :6] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: what is stored as left is the top
    Image.fromarray(half).save(photos / "red" / "turned.png", exif=exif)
    task = image_classification(f"folder:{photos}")
    images = torch.cat([task.full.images, task.test.images])
    turned = images[(images.float().std(dim=(1, 2, 3)) > 120)]
    assert len(turned) == 1
    assert turned[0, 0, 0].min() == 255
    assert turned[0, 0, -1].max() == 0


def test_hidden_and_foreign_files_are_passed_over(photos):
    (photos / "red" / "notes.txt").write_text("no image")
    (photos / ".git").mkdir()
    (photos / "red" / "._1.png").write_bytes(b"")
    assert image_classification(f"folder:{photos}").class_names == ("blue", "red")


def test_a_zero_byte_image_is_named(photos):
    (photos / "red" / "3.png").write_bytes(b"")
    message = error_of(photos)
    assert "1 of 12 images cannot be used" in message
    assert f"{photos / 'red' / '3.png'} is empty (0 bytes)" in message


@pytest.mark.parametrize("damage", ["truncated", "text"])
def test_a_corrupt_image_is_named(photos, damage):
    path = photos / "blue" / "2.png"
    noise = np.random.default_rng(0).integers(0, 256, (12, 12, 3), np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:150] if damage == "truncated" else b"hello")
    message = error_of(photos)
    assert f"{path} cannot be decoded" in message
    assert "Remove or replace" in message


def test_many_corrupt_images_are_counted_and_the_first_named(photos):
    for path in (photos / "red").iterdir():
        path.write_bytes(b"broken")
    assert "6 of 12 images cannot be used" in error_of(photos)
    assert "and 1 more" in error_of(photos)


def test_an_empty_class_folder_is_named(photos):
    (photos / "green").mkdir()
    assert f"class folder without images: {photos / 'green'}" in error_of(photos)


def test_one_class_only_is_refused(photos):
    (photos / "blue").rename(photos.parent / "elsewhere")
    message = error_of(photos)
    assert "1 class ('red')" in message
    assert "2 or more" in message


def test_a_missing_folder_a_file_and_a_folder_without_classes_are_told_apart(photos, tmp_path):
    assert "does not exist" in error_of(tmp_path / "nowhere")
    assert "is a file" in error_of(photos / "red" / "1.png")
    assert "no class folders, and 6 images" in error_of(photos / "red")
    (tmp_path / "hollow" / "a").mkdir(parents=True)
    assert "no images in a" in error_of(tmp_path / "hollow")


def test_a_class_too_small_to_split_is_named(photos):
    paint(photos / "green" / "1.png", (0, 9, 0))
    assert "class 'green' has 1 images; every class needs 3 or more" in error_of(photos)


def test_a_test_class_that_train_lacks_is_named(photos, tmp_path):
    (tmp_path / "both").mkdir()
    photos.rename(tmp_path / "both" / "train")
    paint(tmp_path / "both" / "test" / "violet" / "x.png", (9, 0, 9))
    assert "class violet is not among train's blue, red" in error_of(tmp_path / "both")


def test_what_does_not_fit_in_memory_is_refused_before_decoding(photos):
    assert "give a smaller image_size" in error_of(photos, image_size=100_000)


def test_the_second_start_decodes_nothing_and_gives_the_same(photos, monkeypatch):
    first = image_classification(f"folder:{photos}")
    monkeypatch.setattr("nasturtium.tasks.decode._each", lambda *_: pytest.fail("decoded again"))
    second = image_classification(f"folder:{photos}")
    assert torch.equal(first.train.images, second.train.images)
    assert first.describe() == second.describe()


def test_a_changed_image_is_not_taken_from_the_cache(photos):
    before = image_classification(f"folder:{photos}")
    paint(photos / "red" / "0.png", (1, 1, 1))
    after = image_classification(f"folder:{photos}")
    assert before.describe()["digest"] != after.describe()["digest"]
    assert torch.cat([after.full.images, after.test.images]).eq(1).all(dim=(1, 2, 3)).any()


def test_a_truncated_cache_file_is_made_anew(photos):
    first = image_classification(f"folder:{photos}")
    (path,) = cache.folder().iterdir()
    path.write_bytes(path.read_bytes()[:-7])
    second = image_classification(f"folder:{photos}")
    assert torch.equal(first.train.images, second.train.images)
    assert [p.name for p in cache.folder().iterdir()] == [path.name]


def test_a_cache_folder_that_cannot_be_written_costs_nothing_but_time(photos, monkeypatch):
    monkeypatch.setenv("NASTURTIUM_CACHE", str(photos / "red" / "1.png" / "below-a-file"))
    assert len(image_classification(f"folder:{photos}").full) > 0


def test_without_cache_nothing_is_written(photos):
    image_classification(f"folder:{photos}", cache=False)
    assert not cache.folder().exists()
