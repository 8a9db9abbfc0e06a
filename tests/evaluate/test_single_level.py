"""What a mixture is told: gradients through a strategy's numbers, of the training split, or none."""

from functools import partial

import numpy as np
import pytest
import torch
from torch.nn import functional

from nasturtium.evaluate.hessian import Curvature
from nasturtium.evaluate.recipe import Recipe
from nasturtium.evaluate.single_level import single_level
from nasturtium.evaluate.training import Training
from nasturtium.evaluate.unrolled import Unrolled, second_order
from nasturtium.net.supernet import Supernet, mixture_weights
from nasturtium.protocols import Candidate
from nasturtium.run.search import search
from nasturtium.run.steps import Steps
from nasturtium.seeds import rng_for
from nasturtium.space.zoo.darts_search import darts_search_of, to_genotype
from nasturtium.space.zoo.nasbench201 import nasbench201
from nasturtium.strategy.darts import DARTS
from nasturtium.strategy.darts_minus import DARTSMinus
from nasturtium.strategy.drnas import DrNAS
from nasturtium.strategy.gdas import GDAS
from nasturtium.strategy.pc_darts import PCDARTS
from nasturtium.strategy.perturbation import Perturbation
from nasturtium.strategy.proxyless import ProxylessNAS
from nasturtium.strategy.robust_darts import RobustDARTS
from nasturtium.strategy.snas import SNAS
from nasturtium.tasks.images import image_classification

RECIPE = Recipe(epochs=1, batch_size=32, lr=0.05, precision="float32", device="cpu", threads=1)
LAYOUT = (False, True)


@pytest.fixture(scope="module")
def task():
    return image_classification("digits", max_train=200)


def training(task, gradient=single_level):
    space = nasbench201().bind(task.input_shape, task.outputs)
    return Training(Supernet(space, norms="batch"), task, RECIPE, gradient=gradient)


@pytest.mark.parametrize(
    ("kind", "space"),
    [
        (DARTS, nasbench201()),
        (SNAS, nasbench201()),
        (DARTS, darts_search_of(4, LAYOUT, "tiny")),
        (DARTS, darts_search_of(4, LAYOUT, "tiny", ops=("skip_connect", "sep_conv_3x3"))),
        (PCDARTS, darts_search_of(4, LAYOUT, "tiny", partial=4, edges=True)),
    ],
)
def test_the_slope_of_alpha_is_autograd_through_the_whole_network_to_1e_8(kind, space):
    """In float64: the supernet's gradient through the strategy's own Jacobian, against one graph of both."""
    space = space.bind((1, 8, 8), 4)
    supernet = Supernet(space, norms="batch", affine=False).double()
    images = torch.from_numpy(rng_for(0, "images").standard_normal((8, 1, 8, 8)))
    labels = torch.arange(8) % 4
    strategy = kind(space, seed=1)
    strategy.alpha = rng_for(1, "alpha").standard_normal(len(strategy.alpha))
    draw = strategy.draw(0)
    rows = [row.requires_grad_() for row in mixture_weights(draw.point, images)]
    loss = functional.cross_entropy(supernet(images, draw.point, rows), labels)
    found = torch.autograd.grad(loss, rows, allow_unused=True)
    gradient = torch.cat([torch.zeros_like(r) if g is None else g for r, g in zip(rows, found, strict=True)])
    alpha = torch.tensor(strategy.alpha, requires_grad=True)
    logits = alpha
    if kind is SNAS:
        logits = alpha + torch.from_numpy(rng_for(1, "snas", 0).gumbel(size=len(alpha)))
    if not strategy.rows.mixed.all():
        logits = torch.where(torch.from_numpy(strategy.rows.mixed), alpha, -torch.inf)
    whole = [torch.softmax(row, 0) for row in torch.split(logits, strategy.rows.sizes)]
    loss = functional.cross_entropy(supernet(images, draw.point, whole), labels)
    (expected,) = torch.autograd.grad(loss, alpha)
    assert expected.abs().max() > 1e-4
    np.testing.assert_allclose(draw.slope(gradient.numpy()), expected.numpy(), rtol=1e-8, atol=1e-10)


def test_single_level_is_the_gradient_on_the_images_of_the_next_step(task):
    one = training(task)
    (asked,) = DARTS(one.supernet.space).ask(1)
    ((trial,),) = one.evaluate([asked])
    pair = one._train.peek()
    rows = [row.requires_grad_() for row in mixture_weights(asked.point, pair.images)]
    loss, _ = one.losses(asked.point, pair, rows)
    expected = torch.cat(torch.autograd.grad(loss, rows, allow_unused=True, materialize_grads=True))
    np.testing.assert_allclose(trial.gradient, expected.numpy(), rtol=1e-5, atol=1e-7)
    assert trial.metrics["loss"] == pytest.approx(loss.item())


def test_a_mixture_of_fidelity_1_is_trained_and_told_no_gradient(task):
    one = training(task)
    (asked,) = DARTS(one.supernet.space, warmup=1).ask(1)
    before = [p.detach().clone() for p in one.supernet.parameters()]
    ((trial,),) = one.evaluate([asked])
    assert trial.gradient is None
    assert one.step == 1
    assert any(not torch.equal(a, b) for a, b in zip(before, one.supernet.parameters(), strict=True))


@pytest.mark.parametrize(
    ("kind", "gradient"),
    [
        (DARTS, second_order),
        (DARTSMinus, Unrolled(exact=True)),
        (DrNAS, Curvature(every=2)),
        (GDAS, second_order),
        (PCDARTS, Curvature(every=2)),
        (ProxylessNAS, Curvature(every=2)),
        (RobustDARTS, Curvature(every=2)),
        (SNAS, single_level),
        (partial(Perturbation, tune=3), single_level),
    ],
)
def test_every_method_searches_a_supernet_of_cells_and_ends_in_a_genotype(task, kind, gradient):
    space = darts_search_of(4, LAYOUT, "tiny", ops=("none", "skip_connect", "conv_1x1"), edges=True)
    space = space.bind(task.input_shape, task.outputs)
    one = Training(Supernet(space, norms="batch", affine=False), task, RECIPE, gradient=gradient)
    strategy, record = kind(space), Steps(one, steps=4)
    search(strategy, one, record)
    assert one.step == 4
    assert {trial.status for trial in record.trials} == {"ok"}
    assert to_genotype(space, strategy.best(1)[0]).text.startswith("Genotype(normal=[(")


def test_a_search_is_resumed_with_its_eigenvalues(task, tmp_path):
    def run(steps, path):
        one = training(task, Curvature(every=2))
        strategy, record = DrNAS(one.supernet.space), Steps(one, path=path, every=3, steps=steps)
        search(strategy, one, record)
        return strategy, one, [trial.metrics.get("eigenvalue") for trial in record.trials]

    run(4, tmp_path / "cut.safetensors")
    resumed, again, seen = run(5, tmp_path / "cut.safetensors")
    strategy, whole, eigenvalues = run(5, tmp_path / "whole.safetensors")
    assert [value is not None for value in eigenvalues] == [False, True, False, True, False]
    assert seen == eigenvalues
    np.testing.assert_array_equal(resumed.alpha, strategy.alpha)
    assert all(
        torch.equal(a, b)
        for a, b in zip(again.supernet.parameters(), whole.supernet.parameters(), strict=True)
    )
    assert Candidate(strategy.mixture()) == Candidate(resumed.mixture())
