"""HAT's decoder alone against its published options (Wang et al. 2020, arXiv:2005.14187)."""

from nasturtium.space.zoo.hat_decoder import hat_decoder


def test_the_decoders_are_those_of_hat_without_what_they_attend_to():
    """Two widths; one to six layers, each of 3 inner widths and 2 numbers of heads."""
    assert hat_decoder("published").count == 2 * sum(6**depth for depth in range(1, 7))


def test_small_ones_have_up_to_three_layers():
    space = hat_decoder()
    assert space.count == 2 * sum(6**depth for depth in range(1, 4))
    one = space.unrank(space.count - 1)
    assert space.network(one).layers[-1].shape == (65, 64)
