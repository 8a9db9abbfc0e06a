"""How a training is executed."""

import platform
import subprocess
import sys

import pytest
import torch
from torch import nn

from nasturtium.cost.counts import counts
from nasturtium.errors import ConfigError
from nasturtium.evaluate.execution import execution_for, forward_macs
from nasturtium.evaluate.recipe import Recipe
from nasturtium.net.build import build
from nasturtium.seeds import rng_for
from nasturtium.space.zoo.mobilenet import mobilenet

MLP = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))


def test_convolutions_run_in_channels_last_and_others_do_not(convnet):
    assert execution_for(convnet(), (1, 8, 8), Recipe(), 32).memory_format == torch.channels_last
    assert execution_for(MLP, (1, 8, 8), Recipe(), 32).memory_format == torch.contiguous_format


def test_the_recipe_overrules_the_rules(convnet):
    recipe = Recipe(memory_format="contiguous", threads=3, precision="bfloat16")
    execution = execution_for(convnet(), (1, 8, 8), recipe, 32)
    assert execution.memory_format == torch.contiguous_format
    assert execution.threads == 3
    assert execution.autocast == torch.bfloat16


def test_small_networks_take_fewer_threads_and_none_takes_more_than_allowed(convnet):
    torch.set_num_threads(4)
    assert execution_for(MLP, (1, 8, 8), Recipe(), 32).threads == 1
    assert execution_for(convnet(width=64), (1, 64, 64), Recipe(), 64).threads == 4


def test_macs_are_those_counted_without_building():
    space = mobilenet("small").bind((3, 32, 32), 10)
    for number in range(3):
        network = space.network(space.sample(rng_for(0, "test", number)))
        model = build(network, seed=0)
        state = {key: value.clone() for key, value in model.state_dict().items()}
        assert forward_macs(model, (3, 32, 32)) == counts(network).macs
        assert model.training
        assert all(torch.equal(state[key], value) for key, value in model.state_dict().items())


def test_threads_and_random_numbers_are_put_back(convnet):
    execution = execution_for(convnet(), (1, 8, 8), Recipe(threads=2), 32)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)

    def inside():
        with execution.active(0):
            assert torch.get_num_threads() == 2
            torch.rand(100)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        inside()
    assert torch.get_num_threads() == 1
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("device", ["gpu", "cuda:99"])
def test_a_device_that_is_not_there_is_told(device, convnet):
    with pytest.raises(ConfigError, match=f"device {device!r} cannot be used"):
        execution_for(convnet(), (1, 8, 8), Recipe(device=device), 32)


def test_strided_pointwise_convolutions_of_few_channels_run_contiguous():
    # torch 2.13.0 corrupts memory in their backward pass in channels-last; seen on the CPU.
    narrow = nn.Sequential(nn.Conv2d(3, 8, 1, stride=2), nn.Flatten(), nn.Linear(128, 2))
    wide = nn.Sequential(nn.Conv2d(16, 8, 1, stride=2), nn.Flatten(), nn.Linear(128, 2))
    assert execution_for(narrow, (3, 8, 8), Recipe(), 8).memory_format == torch.contiguous_format
    assert execution_for(wide, (16, 8, 8), Recipe(), 8).memory_format == torch.channels_last


STEPS = """
import resource
import torch
from nasturtium.evaluate.execution import Execution

execution = Execution(torch.device("cpu"), torch.contiguous_format, 1, None)
for _ in range(3):
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    with execution.active(0):
        kept = [torch.ones(1 << 20) for _ in range(40)]  # 160 MB, in pages of 4 kB
        del kept
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told to keep what is freed")
def test_memory_of_one_step_serves_the_next():
    done = subprocess.run([sys.executable, "-c", STEPS], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 160e6 / 4096 / 10  # all of them where pages are given back
