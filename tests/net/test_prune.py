import pytest
import torch
from torch import nn

from nasturtium.errors import ConfigError
from nasturtium.net.prune import prune_kernels


def test_the_smallest_kernels_of_all_convolutions_go():
    model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Conv2d(3, 2, 1), nn.Conv2d(3, 3, 3, groups=3))
    with torch.no_grad():
        model[0].weight.copy_(torch.arange(6.0).reshape(3, 2, 1, 1).expand(3, 2, 3, 3) + 1)
        model[2].weight.copy_(torch.tensor([0.5, 9.0, 2.5]).reshape(3, 1, 1, 1).expand(3, 1, 3, 3))
    pointwise = model[1].weight.clone()
    assert prune_kernels(model, 0.5) == 4  # of 9: those of 0.5, 1, 2 and 2.5
    assert model[0].weight[:, :, 0, 0].tolist() == [[0, 0], [3, 4], [5, 6]]
    assert model[2].weight[:, 0, 0, 0].tolist() == [0, 9, 0]
    assert torch.equal(model[1].weight, pointwise)


def test_a_share_outside_its_range_is_refused():
    with pytest.raises(ConfigError, match="share"):
        prune_kernels(nn.Conv2d(1, 1, 3), 1.5)
