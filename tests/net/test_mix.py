import pytest
import torch

from nasturtium.net.mix import weighted_sum


def drawn(*shape, count=3):
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(count)]


@pytest.mark.parametrize("places", [(), (0,), (1,), (0, 2), (0, 1, 2)])
def test_it_is_the_sum_of_products(places):
    values, numbers = drawn(2, 3, 4, 4), [0.3, -1.5, 2.0]
    shares = [torch.tensor(numbers[i], dtype=torch.float64) if i in places else None for i in range(3)]
    before = [value.clone() for value in values]
    wanted = sum(value * (1 if share is None else share) for value, share in zip(values, shares, strict=True))
    assert torch.allclose(weighted_sum(values, shares), wanted, rtol=1e-14)
    assert all(torch.equal(value, old) for value, old in zip(values, before, strict=True))


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("places", [(), (1,), (0, 1, 2)])
def test_first_and_second_derivatives_are_those_of_differences(memory, places):
    values = [value.contiguous(memory_format=memory).requires_grad_() for value in drawn(2, 2, 2, 3)]
    shares = torch.tensor([0.3, -1.5, 2.0], dtype=torch.float64, requires_grad=True)

    def run(shares, *values):
        return weighted_sum(values, [shares[i] if i in places else None for i in range(3)])

    assert torch.autograd.gradcheck(run, (shares, *values))
    assert torch.autograd.gradgradcheck(run, (shares, *values))


def test_gradients_equal_autograds_of_the_plain_sum():
    """Also where values lie in memory in another order than their sum."""
    values = [value.requires_grad_() for value in drawn(4, 3, 5, 5)]
    shares = [share.requires_grad_() for share in drawn(count=3)]
    given = [values[0], values[1].contiguous(memory_format=torch.channels_last), values[2]]
    ours = weighted_sum(given, shares)
    plain = sum(share * value for share, value in zip(shares, given, strict=True))
    gradient = drawn(4, 3, 5, 5, count=4)[3]
    for one, other in zip(
        torch.autograd.grad(ours, [*values, *shares], gradient),
        torch.autograd.grad(plain, [*values, *shares], gradient),
        strict=True,
    ):
        assert torch.allclose(one, other, rtol=1e-12)


def test_a_share_of_one_changes_no_bit_and_a_share_of_zero_adds_none():
    values = [value.float() for value in drawn(2, 3, 4, 4)]
    one, zero = torch.tensor(1.0), torch.tensor(0.0)
    assert torch.equal(weighted_sum(values[:1], [one]), values[0])
    assert torch.equal(weighted_sum(values, [zero, one, zero]), values[1])


def test_types_of_values_may_differ_as_they_do_under_autocast():
    values = [values.requires_grad_() for values in (torch.randn(2, 3), torch.randn(2, 3).bfloat16())]
    shares = [torch.tensor(0.5, requires_grad=True), torch.tensor(0.25, requires_grad=True)]
    weighted_sum(values, shares).sum().backward()
    assert torch.allclose(shares[1].grad, values[1].float().sum(), rtol=1e-2)
    assert values[1].grad.dtype == torch.bfloat16


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
def test_gradients_are_handed_on_without_gaps(memory):
    """Such as the part of a concatenation's gradient has, on which norms are slow."""
    left, right = (
        one.contiguous(memory_format=memory).requires_grad_() for one in drawn(2, 3, 4, 4, count=2)
    )
    seen = []
    left.register_hook(lambda gradient: seen.append(gradient.is_contiguous(memory_format=memory)))
    total = weighted_sum([left, right], [None, torch.tensor(0.5, dtype=torch.float64)])
    torch.cat([total, right], 1).square().sum().backward()
    assert seen == [True]
