import copy

import torch

from nasturtium import blocks as b
from nasturtium import choice
from nasturtium.evaluate.distillation import Distillation
from nasturtium.evaluate.recipe import Recipe
from nasturtium.evaluate.subnets import Snapshot, Subnets
from nasturtium.evaluate.training import Training
from nasturtium.net.supernet import Supernet
from nasturtium.protocols import Candidate
from nasturtium.space.space import Space

RECIPE = Recipe(epochs=1, batch_size=32, augment="none", threads=1)


def space():
    width = choice(4, 8, name="width")
    return Space(b.conv(width), b.classifier(), input_shape=(1, 8, 8), outputs=10)


def taught(task, seed=0):
    supernet = Supernet(space(), seed=seed, norms="batch")
    largest = space().unrank(1)
    teacher = Snapshot(Subnets(supernet, task, recalibration=64), largest)
    return Training(supernet, task, RECIPE, distillation=Distillation(labels=1.0, teacher=teacher)), teacher


def step(training):
    return list(training.evaluate([Candidate(space().unrank(0))]))


def test_a_snapshot_stays_what_it_was_when_it_was_first_used(few_digits):
    training, teacher = taught(few_digits)
    with torch.no_grad():
        for weights in training.supernet.parameters():
            weights.mul_(2)  # before its first use: it is the network as it is then
    wanted = Subnets(training.supernet, few_digits, recalibration=64)(space().unrank(1)).state_dict()
    step(training)
    step(training)
    found = teacher.model.state_dict()
    assert all(torch.equal(found[name], value) for name, value in wanted.items())
    now = Subnets(training.supernet, few_digits, recalibration=64)(space().unrank(1)).state_dict()
    assert any(not torch.equal(found[name], value) for name, value in now.items())


def test_norms_are_found_in_the_memory_format_that_the_supernet_is_trained_in(few_digits):
    deeper = Space(b.conv(4), b.conv(choice(4, 8)), b.classifier(), input_shape=(1, 8, 8), outputs=10)
    supernet = Supernet(deeper, norms="batch")
    plain = Subnets(supernet, few_digits, recalibration=64)(deeper.unrank(1))
    seen = []
    supernet.to(memory_format=torch.channels_last)
    with torch.nn.modules.module.register_module_forward_pre_hook(lambda _, x: seen.append(x[0])):
        quick = Subnets(supernet, few_digits, recalibration=64)(deeper.unrank(1))
    wide = [x for x in seen if x.dim() == 4 and min(x.shape[1:]) > 1]
    assert wide
    assert all(x.is_contiguous(memory_format=torch.channels_last) for x in wide)
    for name, value in plain.state_dict().items():
        torch.testing.assert_close(quick.state_dict()[name], value)


def test_a_checkpoint_has_the_teacher(few_digits, tmp_path):
    training, teacher = taught(few_digits)
    step(training)
    step(training)
    training.save(tmp_path / "whole", {})
    again, other = taught(few_digits, seed=1)
    again.load(tmp_path / "whole")
    states = [copy.deepcopy(one.state_dict()) for one in (teacher, other)]
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[1][name], value) for name, value in states[0].items())
    assert step(training)[0][0].metrics == step(again)[0][0].metrics
