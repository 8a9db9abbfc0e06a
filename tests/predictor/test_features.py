import numpy as np
import pytest

from nasturtium.errors import ConfigError
from nasturtium.predictor.features import Features, flow, has_cell, means, paths
from nasturtium.seeds import rng_for
from nasturtium.space.encode import PathEncoding, one_hot
from nasturtium.space.zoo.hat import hat
from nasturtium.space.zoo.nasbench201 import from_ops, nasbench201
from nasturtium.space.zoo.nasbench_macro import nasbench_macro
from nasturtium.testing.toys import conditional_space, flat_space, single_space


def sampled(space, n):
    return [space.sample(rng_for(0, "features", i)) for i in range(n)]


@pytest.mark.parametrize("space", [flat_space(), conditional_space()], ids=lambda space: space.name)
def test_one_hot_is_the_encoding_of_that_name_but_for_options_that_no_example_takes(space):
    some = sampled(space, 60)
    whole = np.array([one_hot(space, one) for one in some])
    rows = Features(space, "one_hot").fit(some)
    assert sorted(map(tuple, rows.T)) == sorted(map(tuple, whole[:, whole.any(axis=0)].T))


def test_path_is_the_path_encoding_but_for_paths_that_no_example_has():
    space = nasbench201()
    some = sampled(space, 60)
    whole = np.array([PathEncoding(space)(one) for one in some])
    rows = Features(space, "path").fit(some)
    assert sorted(map(tuple, rows.T)) == sorted(map(tuple, whole[:, whole.any(axis=0)].T))


def test_what_no_example_has_is_left_out():
    space = flat_space()
    features = Features(space, "one_hot")
    first = features.fit([space.unrank(0)])
    assert first.tolist() == [[1, 1, 1, 1]]
    assert features([space.unrank(80)]).tolist() == [[0, 0, 0, 0]]


@pytest.mark.parametrize("space", [flat_space(), conditional_space(), nasbench201(), nasbench_macro()])
def test_rich_features_tell_all_architectures_apart(space):
    some = list(dict.fromkeys(sampled(space, 60)))
    rows = Features(space, "rich").fit(some)
    assert len({tuple(row) for row in rows}) == len(some)


def test_only_cells_have_several_paths():
    assert has_cell(nasbench201())
    assert not any(map(has_cell, (flat_space(), conditional_space(), single_space(), nasbench_macro())))


def test_paths_are_sequences_of_operations_and_none_ends_them():
    space = nasbench201()
    one = from_ops(space, ["nor_conv_3x3", "none", "skip_connect", "none", "nor_conv_1x1", "avg_pool_3x3"])
    assert set(paths(space, one)) == {
        "path nor_conv_3x3>nor_conv_1x1",
        "path nor_conv_3x3>skip_connect>avg_pool_3x3",
    }
    flowing = flow(space, one)
    assert flowing["flow nor_conv_3x3>avg_pool_3x3"] == 1
    assert (flowing["paths"], flowing["depth"], flowing["live nor_conv_3x3"]) == (2, 2, 1)
    assert flowing["passed nor_conv_3x3"] == 2


def test_a_space_without_a_cell_has_no_paths():
    with pytest.raises(ConfigError, match="one_hot"):
        Features(flat_space(), "path")
    with pytest.raises(ConfigError, match="encoding is 'paths'"):
        Features(flat_space(), "paths")


def test_means_are_the_features_of_hat():
    """Wang et al. 2020, released code: widths, number of layers, means over the layers, as shares."""
    space = hat("published")
    one = space.unrank(0)
    assert set(means(space, space.sample(rng_for(0, "means")))) == {
        f"mean transformer.{name}"
        for name in (
            *("encoder_width", "encoder.heads", "encoder.inner", "decoder_width", "decoder.times"),
            *(f"decoder.block.{name}" for name in ("heads", "cross_heads", "inner", "layers")),
        )
    }
    assert means(space, one)["mean transformer.encoder.inner"] == 1024 / 3072
    assert means(space, one)["mean transformer.decoder.times"] == 1 / 6
    path = "transformer__encoder0__inner"
    other = space.architecture(**{path: 3072})
    assert means(space, other)["mean transformer.encoder.inner"] == pytest.approx(
        (5 * 1024 + 3072) / 6 / 3072
    )
