"""Counted and measured costs of a space, and the cache between them."""

import sys
from collections.abc import Sequence

import pytest
import torch

from nasturtium import cost
from nasturtium.cost.costs import Costs, Measured, MemoryCache
from nasturtium.cost.counts import Counted
from nasturtium.cost.measure import Latency
from nasturtium.errors import ConfigError, ShapeError, UnknownName
from nasturtium.seeds import rng_for
from nasturtium.space import blocks as b
from nasturtium.space.choice import choice
from nasturtium.space.space import Space
from nasturtium.space.zoo.nasbench201 import nasbench201

SPACE = Space(b.conv(choice(4, 8)), b.classifier()).bind((1, 8, 8), 10)


class Scripted(Measured):
    """Gives a new value every time it is asked to measure, and counts."""

    asked = 0

    def measure(self, architectures: Sequence[object], name: str = "latency_ms") -> list[Latency]:
        self.asked += 1
        return [Latency((float(self.asked),) * 3, 30)]


def test_costs_are_counted_and_measured_in_the_order_asked() -> None:
    architecture = SPACE.sample(rng_for(0, "test"))
    found = Costs(SPACE)(architecture, ["latency_ms", "macs", "latency_onnx_ms", "params"])
    assert list(found) == ["latency_ms", "macs", "latency_onnx_ms", "params"]
    assert found["params"] == Counted(SPACE)(architecture, ["params"])["params"]
    assert 0 < found["latency_ms"] < 1000
    assert 0 < found["latency_onnx_ms"] < 1000


def test_names_are_those_of_both() -> None:
    counted = {"params", "macs", "activation_bytes", "size_bytes", "int8_bytes", "memory_bytes"}
    assert Costs.names == counted | {"latency_ms", "latency_onnx_ms", "energy_mj"}


def test_an_unknown_metric_names_the_known_ones() -> None:
    with pytest.raises(UnknownName, match=r"latency_onnx_ms.*did you mean 'latency_ms'"):
        Costs(SPACE)(SPACE.unrank(0), ["latency"])
    with pytest.raises(UnknownName, match="known: energy_mj, latency_ms"):
        Measured(SPACE)(SPACE.unrank(0), ["params"])
    with pytest.raises(UnknownName, match="energy_mj"):
        Measured(SPACE).measure([SPACE.unrank(0)], "energy_mj")


def test_a_space_without_shapes_is_refused() -> None:
    with pytest.raises(ShapeError, match="bind"):
        Measured(Space(b.conv(4), b.classifier()))


def test_a_network_is_measured_once_and_its_first_value_stays() -> None:
    measured = Scripted(SPACE)
    architecture = SPACE.unrank(1)
    assert [measured(architecture, ["latency_ms"]) for _ in range(3)] == [{"latency_ms": 1.0}] * 3
    assert measured.asked == 1


def test_a_resumed_search_sees_the_values_that_it_saw_before() -> None:
    cache = MemoryCache()
    before = [Scripted(SPACE, cache)(SPACE.unrank(i), ["latency_ms"]) for i in range(2)]
    resumed = Scripted(SPACE, cache)
    assert [resumed(SPACE.unrank(i), ["latency_ms"]) for i in range(2)] == before
    assert resumed.asked == 0


def test_a_value_that_another_process_stored_first_is_used() -> None:
    class Overtaken(MemoryCache):
        def put(self, device: str, canonical: str, metric: str, value: float, spread: float) -> None:
            super().put(device, canonical, metric, 77.0, 0.1)

    assert Scripted(SPACE, Overtaken())(SPACE.unrank(0), ["latency_ms"]) == {"latency_ms": 77.0}


def test_networks_metrics_shapes_and_devices_have_values_of_their_own() -> None:
    cache = MemoryCache()
    measured = Scripted(SPACE, cache)
    measured(SPACE.unrank(0), ["latency_ms", "latency_onnx_ms"])
    measured(SPACE.unrank(1), ["latency_ms"])
    Scripted(SPACE.bind((1, 16, 16), 10), cache)(SPACE.unrank(0), ["latency_ms"])
    Scripted(SPACE, cache, threads=2)(SPACE.unrank(0), ["latency_ms"])
    assert len(cache.rows) == 5


def test_equal_networks_share_a_value() -> None:
    space = nasbench201().bind((3, 8, 8), 10)
    some = [space.unrank(i) for i in range(100)]
    measured = Scripted(space)
    for architecture in some:
        measured(architecture, ["latency_ms"])
    assert measured.asked == len({space.canonical(one) for one in some}) < 100


def test_the_reference_is_calibrated_once_per_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = MemoryCache()
    Measured(SPACE, cache)(SPACE.unrank(0), ["latency_ms"])
    monkeypatch.setattr(cost.costs, "calibrate", lambda *_, **__: pytest.fail("calibrated again"))
    Measured(SPACE, cache)(SPACE.unrank(1), ["latency_ms"])


def test_networks_measured_together_each_have_their_latency() -> None:
    made = Measured(SPACE).measure(list(SPACE), "latency_ms")
    assert len(made) == 2
    assert all(one.runs >= 30 and one.median_ms > 0 for one in made)


def test_a_batch_is_another_cost_than_one_input() -> None:
    cache = MemoryCache()
    one = Measured(SPACE, cache)(SPACE.unrank(0), ["latency_ms"])
    many = Measured(SPACE, cache, batch=64)(SPACE.unrank(0), ["latency_ms"])
    assert many["latency_ms"] > 2 * one["latency_ms"]
    assert len(cache.rows) == 3  # the reference is one
    with pytest.raises(ConfigError, match="batch of 0"):
        Measured(SPACE, batch=0)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_where_there_is_no_gpu_none_is_measured() -> None:
    with pytest.raises(ConfigError, match="no NVIDIA GPU"):
        Measured(SPACE, place="cuda")


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_a_missing_package_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    costs = Costs(SPACE)
    assert costs(SPACE.unrank(0), ["params"])
    with pytest.raises(ConfigError, match=r"pip install 'nasturtium\[export\]'"):
        costs(SPACE.unrank(0), ["latency_onnx_ms"])
