"""Scores of untrained networks as trials."""

import math

import pytest
import torch

from nasturtium.architecture import Mixture
from nasturtium.cost.counts import Counted
from nasturtium.errors import ConfigError, UnknownName
from nasturtium.evaluate.proxies.activations import naswot
from nasturtium.evaluate.proxies.jacobian import jacob_cov
from nasturtium.evaluate.proxies.saliency import snip, synflow
from nasturtium.evaluate.proxies.size import macs, params
from nasturtium.evaluate.proxy import Proxy
from nasturtium.protocols import Candidate
from nasturtium.seeds import rng_for
from nasturtium.space.zoo.autonet import autonet_mlp
from nasturtium.space.zoo.chain import chain
from nasturtium.space.zoo.nasbench201 import from_ops, nasbench201
from nasturtium.testing.evaluator import EvaluatorConformance

SPACE = chain("small")
ONE, TWO = (SPACE.sample(rng_for(0, "test/proxy", i)) for i in range(2))


class TestProxy(EvaluatorConformance):
    metrics = frozenset({"snip", "naswot", "synflow", "proxy_seconds"})
    varying = frozenset({"proxy_seconds"})

    @pytest.fixture(autouse=True)
    def _task(self, few_digits):
        self.task = few_digits

    def make(self):
        return Proxy(SPACE, self.task, (snip, naswot, synflow), batch=8)

    def candidates(self):
        return [Candidate(ONE, number=0), Candidate(TWO, fidelity=0, number=1), Candidate(ONE, number=2)]

    def impossible(self):
        return Candidate(Mixture(SPACE.fingerprint, ((1.0,),)), number=0)


def test_a_score_depends_on_architecture_and_seed_alone(few_digits):
    def score(number, seed=0, repeats=1):
        evaluator = Proxy(SPACE, few_digits, (snip,), seed=seed, batch=8, repeats=repeats)
        return evaluator.trial(Candidate(ONE, fidelity=0, number=number)).metrics["snip"]

    torch.manual_seed(5)
    assert score(0) == score(7)
    assert score(0) != score(0, seed=1)
    assert score(0) != score(0, repeats=2)


def test_torch_is_left_as_it_was(few_digits):
    before = torch.get_rng_state().clone(), torch.get_num_threads(), torch.is_grad_enabled()
    Proxy(SPACE, few_digits, (snip, synflow), batch=8).trial(Candidate(ONE, number=0))
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1:] == (torch.get_num_threads(), torch.is_grad_enabled())


def test_no_score_passes_for_an_error(few_digits):
    def error(model, images, labels):
        return 0.5

    trial = Proxy(SPACE, few_digits, (params,)).trial(Candidate(ONE, number=0))
    assert trial.metrics.keys() == {"params", "proxy_seconds"}
    with pytest.raises(ConfigError, match="called error, which is what a training gives"):
        Proxy(SPACE, few_digits, (error,))


def test_params_and_macs_are_those_that_are_counted(few_digits):
    costs = Counted(SPACE.bind(few_digits.input_shape, few_digits.outputs))
    proxy = Proxy(SPACE, few_digits, (params, macs))
    for one in (ONE, TWO):
        assert proxy(one) == costs(one, ["params", "macs"])


def test_a_score_that_is_not_finite_fails_and_says_so(few_digits):
    space = nasbench201()
    broken = from_ops(space, ["none"] * 6)
    trial = Proxy(space, few_digits, (params, naswot, jacob_cov), batch=8).trial(Candidate(broken, number=0))
    assert trial.status == "failed"
    assert "jacob_cov is nan" in str(trial.error)
    assert trial.metrics["params"] > 0
    assert all(map(math.isfinite, trial.metrics.values()))


def test_a_network_without_rectifiers_has_no_naswot(few_digits):
    space = autonet_mlp()
    one = next(
        one
        for one in (space.sample(rng_for(0, "tanh", i)) for i in range(99))
        if "tanh" in space.text(one) and "relu" not in space.text(one)
    )
    trial = Proxy(space, few_digits, (naswot,), batch=8).trial(Candidate(one, number=0))
    assert trial.error == "naswot is -inf: it says nothing of this network"


def test_it_is_a_cost_model(few_digits):
    costs = Counted(SPACE.bind(few_digits.input_shape, few_digits.outputs))
    proxy = Proxy(SPACE, few_digits, (snip, params), batch=8, costs=costs, measure=("macs",))
    assert proxy.names == {"snip", "params"}
    assert proxy(ONE, ["params"]).keys() == {"params"}
    assert proxy.trial(Candidate(ONE, number=0)).metrics["macs"] == costs(ONE, ["macs"])["macs"]
    with pytest.raises(UnknownName, match="unknown proxy 'snap'"):
        proxy(ONE, ["snap"])


def test_what_makes_no_sense_is_refused(few_digits):
    for proxies, settings, said in (
        ((), {}, "proxies are none"),
        ((snip, snip), {}, "snip, snip"),
        ((lambda *_: 0.0,), {}, "no name of its own"),
        ((snip,), {"batch": 1}, "batch is 1"),
        ((snip,), {"repeats": 0}, "repeats 0"),
        ((snip,), {"measure": ("macs",)}, "no cost model gives macs"),
    ):
        with pytest.raises(ConfigError, match=said):
            Proxy(SPACE, few_digits, proxies, **settings)


def test_whatever_breaks_is_a_failed_trial(few_digits):
    def broken(model, images, labels):
        raise ZeroDivisionError("no")

    trial = Proxy(SPACE, few_digits, (broken,)).trial(Candidate(ONE, number=0))
    assert (trial.status, trial.error) == ("failed", "ZeroDivisionError: no")
