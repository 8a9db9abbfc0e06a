"""Our scores beside those that others published, and beside the accuracies of real trainings."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from nasturtium.evaluate.proxies.activations import fisher, naswot
from nasturtium.evaluate.proxies.jacobian import jacob_cov
from nasturtium.evaluate.proxies.saliency import grad_norm, snip, synflow
from nasturtium.evaluate.proxies.size import macs, params
from nasturtium.evaluate.proxies.zico import zico
from nasturtium.evaluate.proxy import Proxy
from nasturtium.evaluate.tables.nasbench201 import nasbench201 as table
from nasturtium.seeds import rng_for
from nasturtium.space.zoo.nasbench201 import nasbench201
from nasturtium.tasks.images import image_classification


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def cifar10(data_root):
    return image_classification("cifar10")


def fbnet(ops):
    path = Path(__file__).with_name("fbnet.py")
    spec = importlib.util.spec_from_file_location("fbnet", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.fbnet(ops).to(memory_format=torch.channels_last)


def test_scores_of_fbnet_networks_are_the_published_ones(cifar10, data_root):
    """Of 5,000 networks by the authors of NASFLAT (Akhauri and Abdelfattah 2024), on 16 CIFAR-100 images.

    Their weights, images and labels are others than ours. Over 20 networks the
    medians of ours over theirs were params 1, naswot 0.9998, synflow 1.02, fisher 0.96, grad_norm 1.04,
    snip 0.96, jacob_cov 1.001, and the rank correlations of the first three 1, 1.000 and 0.997.
    """
    with np.load(data_root / "zero_cost" / "zc_fbnet.npz", allow_pickle=False) as file:
        names, scores = file["proxy_names"].tolist(), file["scores"]
    with np.load(data_root / "hw_latency" / "help_fbnet.npz", allow_pickle=False) as file:
        ops, op_names = file["ops"], file["op_names"].tolist()
    generator = torch.Generator().manual_seed(0)
    rows = torch.randperm(len(cifar10.train), generator=generator)[:16]
    images = cifar10.normalisation(cifar10.train.images[rows], torch.channels_last)
    labels = torch.randint(100, (16,), generator=generator)
    ours = {"params": params, "nwot": naswot, "synflow": synflow, "fisher": fisher, "grad_norm": grad_norm}
    ours |= {"snip": snip, "jacov": jacob_cov}
    chosen = rng_for(0, "test/published").choice(len(ops), 4, replace=False)
    networks = [fbnet([op_names[op] for op in ops[i]]) for i in chosen]
    found = {name: np.array([proxy(net, images, labels) for net in networks]) for name, proxy in ours.items()}
    theirs = {name: scores[chosen, names.index(name)] for name in ours}
    ratio = {name: found[name] / theirs[name] for name in ours}
    assert (found["params"] == theirs["params"]).all()
    assert ratio["nwot"] == pytest.approx(np.ones(4), abs=0.02)
    assert ratio["jacov"] == pytest.approx(np.ones(4), abs=0.02)
    for name, far in (("synflow", 3.0), ("fisher", 2.5), ("grad_norm", 1.5), ("snip", 1.5)):
        assert (ratio[name] < far).all(), name
        assert (ratio[name] > 1 / far).all(), name
        assert 0.6 < np.median(ratio[name]) < 1.6, name
    assert np.array_equal(np.argsort(found["synflow"]), np.argsort(theirs["synflow"]))


def test_rank_correlations_on_nasbench201_are_near_the_published_ones(cifar10):
    """40 cells at an eighth of the published size, one batch of 32 images, against 200 epochs.

    Published for all cells at full size: params .75, macs .73, synflow .73, zico .80 (Li et al. 2023, Table
    1), jacob_cov .73 (Abdelfattah et al. 2021, as remembered), naswot .78 (NAS-Bench-Suite-Zero, as
    remembered). Of 40 cells the standard error is about .1.
    """
    accuracies, space = table("cifar10", 200), nasbench201("small")
    proxies = (params, macs, synflow, jacob_cov, naswot, snip, zico)
    evaluator = Proxy(space, cifar10, proxies, batch=32)
    draws = rng_for(0, "test/proxies").permutation(space.count).tolist()
    truth = {i: 1 - accuracies.truth(accuracies.space.unrank(i))["test_error"] for i in draws[:50]}
    alive = [i for i, accuracy in truth.items() if accuracy > 0.11][:40]
    rows = [evaluator(space.unrank(i)) for i in alive]
    reached = {
        proxy.__name__: spearmanr([row[proxy.__name__] for row in rows], [truth[i] for i in alive]).statistic
        for proxy in proxies
    }
    assert reached.pop("snip") > 0.25, reached
    assert all(correlation > 0.5 for correlation in reached.values()), reached
