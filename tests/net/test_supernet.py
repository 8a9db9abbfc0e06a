import copy
import os
import pickle
import subprocess
import sys
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from nasturtium.architecture import Mixture
from nasturtium.cost.counts import counts
from nasturtium.errors import ConfigError, ShapeError, SpaceError
from nasturtium.net.extract import extract
from nasturtium.net.slices import part
from nasturtium.net.supernet import Supernet
from nasturtium.run.names import SPACES, space_named
from nasturtium.seeds import rng_for
from nasturtium.space import blocks as b
from nasturtium.space.choice import choice
from nasturtium.space.layers import Mix
from nasturtium.space.space import Space
from nasturtium.testing.spaces import spaces

SHAPE = (3, 16, 16)
SEEDS = st.integers(0, 2**32 - 1)


@dataclass(frozen=True)
class Mine(b.CustomBlock):
    """A user's own: a convolution of odd size beside a bias."""

    kernel: int = 3

    def build(self, shape):
        return nn.Sequential(nn.Conv2d(shape[0], shape[0], self.kernel, padding="same"), nn.Tanh())


def images(space, count=4):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(count, *space.input_shape, generator=generator, dtype=torch.float64)


def one_hot(space, architecture, active=None):
    rows = zip(architecture.choices, space.decisions, strict=True)
    weights = tuple(tuple(float(i == taken) for i in range(len(d.labels))) for taken, d in rows)
    return Mixture(space.fingerprint, weights, active)


def drawn_mixture(space, seed):
    rng = rng_for(seed, "test/mixture")
    rows = (rng.dirichlet(np.ones(len(d.labels))) for d in space.decisions)
    return Mixture(space.fingerprint, tuple(tuple(map(float, row)) for row in rows))


def uneven(supernet):
    """The same with statistics and scales that are not those of a fresh network, in float64."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, value in supernet.state_dict().items():
            if ":batchnorm" in name and value.is_floating_point():
                value.add_(torch.rand(value.shape, generator=generator))
    return supernet.double()


def scattered(supernet, architecture, model):
    """Gradients of an extracted module, put where the shared weights are that it has: (weights, gradient)."""
    owned, twins = dict(model.named_parameters()), {}
    with torch.no_grad():
        for layer in supernet.space.network(architecture).layers:
            if (bank := supernet.bank(layer)) is None:
                continue
            if id(bank) not in twins:
                twins[id(bank)] = bank, copy.deepcopy(bank)
                for parameter in twins[id(bank)][1].parameters():
                    parameter.zero_()
            for name, view in part(layer.op, twins[id(bank)][1]).items():
                weights = owned.get(f"{layer.name}.{name}")
                if weights is not None and weights.grad is not None:
                    view += weights.grad
    pairs = (zip(bank.parameters(), twin.parameters(), strict=True) for bank, twin in twins.values())
    return [pair for some in pairs for pair in some]


def assert_one_path(supernet, architecture):
    """Output in eval mode, gradients in train mode, and MACs of a path are those of its extracted module."""
    space, x = supernet.space, images(supernet.space)
    model = extract(supernet.eval(), architecture)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        got = supernet(x, architecture)
    assert torch.equal(got, model(x))
    assert counter.get_total_flops() == 2 * len(x) * counts(space.network(architecture)).macs
    supernet.train().zero_grad()
    for net, point in ((supernet, (architecture,)), (model.train(), ())):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            net(x, *point).square().sum().backward()
    owed = {id(weights): gradient for weights, gradient in scattered(supernet, architecture, model)}
    for name, weights in supernet.named_parameters():
        if (wanted := owed.get(id(weights))) is None:
            assert weights.grad is None or not weights.grad.any(), name
            continue
        found = torch.zeros_like(weights) if weights.grad is None else weights.grad
        assert torch.allclose(found, wanted, rtol=1e-10, atol=1e-12 * max(1.0, wanted.abs().max().item())), (
            name
        )


@lru_cache(maxsize=1)
def zoo(name):
    space = space_named(name)
    shape = SHAPE if len(space.input_shape) == 3 else space.input_shape
    return uneven(Supernet(space.bind(shape, 4), seed=0))


@pytest.mark.parametrize("name", [n for n in SPACES if getattr(space_named(n), "input_shape", None)])
def test_every_space_of_the_zoo_has_paths_equal_to_extracted_modules(name):
    supernet = zoo(name)
    for number in range(2):
        assert_one_path(supernet, supernet.space.sample(rng_for(number, "test/supernet")))
    architecture = supernet.space.sample(rng_for(7, "test/supernet"))
    x = images(supernet.space)
    path, mixture = (supernet.eval()(x, one) for one in (architecture, one_hot(supernet.space, architecture)))
    assert torch.equal(path, mixture)


@settings(max_examples=12, deadline=None)
@given(spaces(10**6), SEEDS, st.sampled_from(["batch", "running"]))
def test_paths_of_drawn_spaces_equal_their_extracted_modules(space, seed, norms):
    supernet = uneven(Supernet(space, norms=norms))
    architecture = space.sample(rng_for(seed, "test/supernet"))
    if norms == "batch":
        x = images(space)
        assert torch.allclose(supernet(x, architecture), extract(supernet, architecture)(x), atol=1e-12)
    else:
        assert_one_path(supernet, architecture)


@settings(max_examples=12, deadline=None)
@given(spaces(10**6), SEEDS)
def test_a_one_hot_mixture_is_its_path(space, seed):
    supernet = uneven(Supernet(space))
    architecture = space.sample(rng_for(seed, "test/supernet"))
    x = images(space)
    for mode in (True, False):
        supernet.train(mode)
        assert torch.equal(supernet(x, one_hot(space, architecture)), supernet(x, architecture))


def of_block(block, *more):
    """A space in which only what is linear comes after a block: an average and a linear layer."""
    return Space(b.conv(4, kernel=3), block, *more, b.classifier(), input_shape=(3, 6, 6), outputs=3)


KERNEL = choice(1, 3, 5, name="kernel")
LINEAR = {
    "blocks": of_block(choice(b.conv(4, kernel=3), b.conv(4, kernel=1), b.max_pool(), b.identity())),
    "kernels": of_block(b.conv(4, kernel=choice(1, 3, 5))),
    "products": of_block(b.inverted_residual(4, kernel=choice(3, 5), expand=choice(1, 2, 3))),
    "depth": of_block(b.repeat(b.conv(4), times=choice(0, 1, 3))),
    "shared": of_block(b.inverted_residual(4, kernel=KERNEL, expand=KERNEL)),
    "conditional": of_block(choice(b.conv(4, kernel=choice(1, 3)), b.identity(), b.separable(4))),
    "custom": of_block(choice(Mine(choice(1, 3)), b.conv(4))),
}


@pytest.mark.parametrize("name", LINEAR)
@pytest.mark.parametrize("norms", ["batch", "running"])
def test_a_mixture_is_the_mean_of_its_paths_where_only_linear_layers_follow(name, norms):
    space = LINEAR[name]
    supernet = uneven(Supernet(space, norms=norms)).eval()
    mixture, x = drawn_mixture(space, 3), images(space)
    mean = 0
    for architecture in space:
        exists = space.active(architecture)
        rows = zip(mixture.weights, architecture.choices, exists, strict=True)
        mean += np.prod([row[taken] for row, taken, here in rows if here]) * supernet(x, architecture)
    assert torch.allclose(supernet(x, mixture), mean, atol=1e-12)


def test_a_mixture_is_the_sum_written_by_hand():
    """Two edges in a row, each of a convolution and a skip: every layer called by its own module."""
    edge = b.repeat(choice(b.conv(4, kernel=3), b.identity()), 2)
    space = Space(edge, b.classifier(), input_shape=(4, 5, 5), outputs=2)
    supernet = uneven(Supernet(space)).train()
    mixture, y = drawn_mixture(space, 0), images(space)
    x = y
    by_hand = copy.deepcopy(supernet)
    for number, (conv, skip) in enumerate(mixture.weights, 1):
        at = f"stage1/block{number}/conv"
        made = by_hand.shared[f"{at}/norm:batchnorm"](by_hand.shared[f"{at}/conv:conv2d"](y))
        y = conv * torch.relu(made) + skip * y
    logits = by_hand.shared["classifier/linear:linear"](y.mean((2, 3)))
    assert torch.allclose(supernet(x, mixture), logits, atol=1e-12)
    for name, found in supernet.named_buffers():
        if "num_batches" not in name:
            assert torch.allclose(found, by_hand.get_buffer(name), atol=1e-12), name


def loss_of(supernet, mixture, weights):
    return supernet(images(supernet.space), mixture, weights).square().sum()


@pytest.mark.parametrize(("name", "affine"), [("nasbench201", True), ("enas_macro", False)])
def test_gradients_of_a_mixture_are_differences_of_its_loss(name, affine):
    space = space_named(name).bind((3, 8, 8), 3)
    supernet = Supernet(space, norms="batch", affine=affine).double()
    mixture = drawn_mixture(space, 1)
    weights = [torch.tensor(row, dtype=torch.float64, requires_grad=True) for row in mixture.weights]
    found = torch.autograd.grad(loss_of(supernet, mixture, weights), weights)
    for decision in (0, len(weights) - 1):
        for option in range(len(weights[decision])):
            losses = []
            for step in (1e-6, -1e-6):
                moved = [row.detach().clone() for row in weights]
                moved[decision][option] += step
                losses.append(loss_of(supernet, mixture, moved).item())
            wanted = (losses[0] - losses[1]) / 2e-6
            assert float(found[decision][option]) == pytest.approx(wanted, rel=1e-5, abs=1e-5)


def test_active_options_without_weight_change_nothing_and_have_the_gradient_they_would_have():
    space = space_named("nasbench201").bind((3, 8, 8), 3)
    supernet = uneven(Supernet(space, norms="batch"))
    architecture = space.unrank(12345)
    every = one_hot(space, architecture, tuple(tuple(range(len(d.labels))) for d in space.decisions))
    x = images(space)
    assert torch.equal(supernet(x, every), supernet(x, architecture))
    rows = [torch.tensor(row, dtype=torch.float64, requires_grad=True) for row in every.weights]
    some = replace(every, active=((0, 1, 3), *((taken,) for taken in architecture.choices[1:])))
    full = torch.autograd.grad(loss_of(supernet, every, rows), rows)
    partly = torch.autograd.grad(loss_of(supernet, some, rows), rows, allow_unused=True)
    assert torch.allclose(partly[0][[1, 3]], full[0][[1, 3]], rtol=1e-10)
    assert partly[0][[2, 4]].tolist() == [0, 0]


def test_second_derivatives_reach_through_a_mixture():
    """As second-order DARTS needs them: the Hessian of a loss in the mixture is symmetric and not zero."""
    space = LINEAR["products"]
    supernet = uneven(Supernet(space, norms="batch"))
    mixture = drawn_mixture(space, 2)
    sizes = [len(row) for row in mixture.weights]

    def loss(flat):
        return loss_of(supernet, mixture, torch.split(flat, sizes))

    flat = torch.tensor([w for row in mixture.weights for w in row], dtype=torch.float64)
    hessian = torch.autograd.functional.hessian(loss, flat)
    assert torch.allclose(hessian, hessian.T, rtol=1e-8)
    assert hessian.abs().max() > 0
    assert torch.autograd.gradcheck(loss, flat.requires_grad_())


@pytest.mark.parametrize(
    ("name", "point"), [("nasbench201", "mixture"), ("enas_macro", "mixture"), ("mobilenet", "path")]
)
def test_computing_values_once_more_changes_neither_gradients_nor_statistics(name, point):
    space = space_named(name).bind((3, 8, 8), 3)
    plain = uneven(Supernet(space)).train()
    sparing = copy.deepcopy(plain)
    sparing.recompute = True
    drawn = space.unrank(77) if point == "path" else drawn_mixture(space, 0)
    for net in (plain, sparing):
        net(images(space), drawn).square().sum().backward()
    for (key, one), (_, other) in zip(plain.named_parameters(), sparing.named_parameters(), strict=True):
        assert (one.grad is None) == (other.grad is None)
        assert one.grad is None or torch.allclose(one.grad, other.grad, rtol=1e-10, atol=1e-12), key
    for (key, one), (_, other) in zip(plain.named_buffers(), sparing.named_buffers(), strict=True):
        assert torch.equal(one, other), key


def test_statistics_of_norms_change_where_a_path_runs_and_nowhere_else():
    space = space_named("nasbench201").bind((3, 8, 8), 3)
    supernet = Supernet(space).double()
    before = {name: value.clone() for name, value in supernet.named_buffers()}
    architecture = space.sample(rng_for(0, "test/supernet"))
    supernet.eval()(images(space), architecture)
    assert all(torch.equal(value, before[name]) for name, value in supernet.named_buffers())
    supernet.train()(images(space), architecture)
    runs = {id(supernet.bank(layer)) for layer in space.network(architecture).layers}
    for name, value in supernet.named_buffers():
        bank = supernet.shared[name.split(".")[1]]
        changed = not torch.equal(value, before[name])
        assert changed == (id(bank) in runs and "num_batches" not in name), name


def test_what_several_options_compute_alike_is_computed_once():
    """Of 6 edges with 2 convolutions each, only 3 different nodes are read; so too the pooling."""
    space = space_named("nasbench201").bind((3, 8, 8), 3)
    supernet = Supernet(space)
    mixture = drawn_mixture(space, 0)
    network = supernet.network(mixture)
    ran = supernet._program(mixture)
    names = [type(layer.op).__name__ for layer in network.layers]
    assert (names.count("Activation"), names.count("Pool")) == (3 * 12 + 5, 3 * 6 + 2)
    assert len(names) - len(ran._steps) == 3 * (9 + 3 + 5)  # activations, pools, mixtures that a sum reads


def test_seeds_decide_the_weights_and_the_global_generator_is_left_alone():
    space = space_named("chain").bind((1, 8, 8), 3)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first, again, other = (Supernet(space, seed=seed).state_dict() for seed in (3, 3, 4))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


NAMES = """
from nasturtium.net.supernet import Supernet
from nasturtium.run.names import space_named
print(",".join(Supernet(space_named("chain").bind((1, 8, 8), 3)).state_dict()))
"""


def test_names_of_the_state_are_the_same_in_every_process():
    here = ",".join(Supernet(space_named("chain").bind((1, 8, 8), 3)).state_dict())
    env = os.environ | {"PYTHONHASHSEED": "12"}
    there = subprocess.run(
        [sys.executable, "-c", NAMES], capture_output=True, text=True, check=True, env=env
    ).stdout
    assert there.strip() == here


def test_a_state_comes_back():
    space = space_named("chain").bind((1, 8, 8), 3)
    left, right = Supernet(space, seed=0).eval(), Supernet(space, seed=1).eval()
    x, architecture = torch.randn(2, 1, 8, 8), space.unrank(5)
    assert not torch.equal(left(x, architecture), right(x, architecture))
    right.load_state_dict(left.state_dict())
    assert torch.equal(left(x, architecture), right(x, architecture))


@pytest.mark.parametrize("twin_of", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_a_copy_has_weights_of_its_own(twin_of):
    """Also where it was copied after it had run: what is remembered of a path must not keep the old ones."""
    space = space_named("chain").bind((1, 8, 8), 3)
    supernet = Supernet(space).eval()
    x, architecture = torch.randn(2, 1, 8, 8), space.unrank(5)
    before = supernet(x, architecture)
    twin = twin_of(supernet)
    assert torch.equal(twin(x, architecture), before)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.zero_()
    assert torch.equal(supernet(x, architecture), before)
    assert not twin(x, architecture).any()


def test_labels_may_be_called_like_parts_of_a_module_or_of_a_number():
    labels = ("weight", "forward", "train", "0.5", "1/4", "items")
    convs = [b.conv(4, kernel=1, act=act) for act in ("relu", "relu6", "silu", "gelu", "tanh", "none")]
    space = Space(train=choice(*convs, labels=labels), end=b.classifier(), input_shape=(3, 4, 4), outputs=2)
    supernet = Supernet(space)
    assert len({id(bank) for bank in supernet.shared.values()}) == 2 * len(labels) + 1
    assert supernet(torch.randn(2, 3, 4, 4), drawn_mixture(space, 0)).shape == (2, 2)


@dataclass(frozen=True)
class Motley(b.Block):
    """Writes layers of two kinds under one name, and names of its own that look numbered."""

    wide: bool

    def wire(self, net, x):
        y = net.conv(x, 4, 3 if self.wide else 1, name="layer2")
        y = net.norm(y, name="layer") if self.wide else net.conv(y, 4, 1, name="layer")
        return net.conv(y, 4, 1, name="layer")


def test_layers_of_two_kinds_may_have_one_name():
    space = of_block(Motley(choice(True, False)))
    supernet = uneven(Supernet(space))
    for architecture in space:
        assert_one_path(supernet, architecture)


def test_a_users_block_has_weights_for_each_of_its_settings():
    supernet = Supernet(of_block(Mine(choice(1, 3))))
    kernels = [tuple(bank[0].kernel_size) for name, bank in supernet.shared.items() if "custom" in name]
    assert sorted(kernels) == [(1, 1), (3, 3)]


def test_what_cannot_be_is_said():
    chain, cell = space_named("chain").bind((1, 8, 8), 3), space_named("nasbench201")
    unbound = Space(b.conv(choice(4, 8)), b.classifier())
    with pytest.raises(ShapeError, match=r"space\.bind"):
        Supernet(unbound)
    with pytest.raises(ConfigError, match="batch, running"):
        Supernet(chain, norms="none")
    widths = unbound.bind((3, 8, 8), 2)
    with pytest.raises(ShapeError, match=r"\[4, 8, 8\], \[8, 8, 8\] cannot be mixed.*single paths"):
        Supernet(widths)(torch.zeros(2, 3, 8, 8), drawn_mixture(widths, 0))
    supernet = Supernet(chain)
    with pytest.raises(SpaceError, match="another space"):
        supernet(torch.zeros(2, 1, 8, 8), cell.unrank(0))
    with pytest.raises(SpaceError, match="mixture of another space"):
        supernet(torch.zeros(2, 1, 8, 8), drawn_mixture(cell, 0))


def test_a_mixture_of_too_many_variants_is_refused():
    many = choice(*range(1, 31), name="many")
    block = b.inverted_residual(4, kernel=choice(1, 3, 5), expand=choice(*range(1, 13)), se=many / 30)
    space = of_block(block)
    with pytest.raises(SpaceError, match=r"512.*fewer options"):
        Supernet(space)(torch.zeros(2, 3, 6, 6), drawn_mixture(space, 0))


def test_mixed_edges_are_one_sum():
    network = Supernet(space_named("nasbench201").bind((3, 8, 8), 3))
    space = network.space
    assert sum(isinstance(layer.op, Mix) for layer in network.network(drawn_mixture(space, 0)).layers) == 18
