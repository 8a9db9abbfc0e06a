"""Statistics of norms, found anew on the images of a network itself."""

import torch
from torch import nn

from nasturtium.evaluate.recalibrate import recalibrate


def test_statistics_are_the_means_over_the_batches(convnet):
    model = convnet(dropout=0.5).eval()
    before = {name: value.clone() for name, value in model.named_parameters()}
    batches = [torch.randn(n, 1, 8, 8, generator=torch.Generator().manual_seed(n)) for n in (16, 16, 16)]
    recalibrate(model, batches)
    convolution, norm = model[0], model[1]
    outputs = [convolution(batch) for batch in batches]
    mean = torch.stack([one.mean((0, 2, 3)) for one in outputs]).mean(0)
    variance = torch.stack([one.var((0, 2, 3)) for one in outputs]).mean(0)
    torch.testing.assert_close(norm.running_mean, mean)
    torch.testing.assert_close(norm.running_var, variance)
    assert norm.momentum == nn.BatchNorm2d(1).momentum
    assert not model.training
    assert not norm.training
    for name, value in model.named_parameters():
        assert torch.equal(value, before[name])


def test_the_order_of_batches_does_not_matter_nor_what_was_there_before(convnet):
    batches = [torch.randn(8, 1, 8, 8, generator=torch.Generator().manual_seed(n)) for n in range(3)]
    one, other = convnet(), convnet()
    recalibrate(other, [10 * batch for batch in batches])
    recalibrate(one, batches)
    recalibrate(other, batches[::-1])
    torch.testing.assert_close(one[1].running_var, other[1].running_var)


def test_norms_after_dropout_see_no_dropout():
    model = nn.Sequential(nn.Dropout(0.5), nn.BatchNorm2d(2))
    images = torch.randn(64, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    recalibrate(model.train(), [images])
    torch.testing.assert_close(model[1].running_mean, images.mean((0, 2, 3)))
    assert model.training
    assert model[0].training
