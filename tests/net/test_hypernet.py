"""A hypernetwork goes wherever a supernet goes, and what it writes follows the architecture."""

import copy
import pickle
from math import sqrt

import pytest
import torch

import nasturtium as nt
from nasturtium import blocks as b
from nasturtium.errors import SpaceError
from nasturtium.evaluate.inherited import Inherited
from nasturtium.evaluate.training import Training
from nasturtium.net.extract import extract
from nasturtium.net.hypernet import Hypernet
from nasturtium.protocols import Candidate
from nasturtium.run.search import search
from nasturtium.run.steps import Steps
from nasturtium.seeds import rng_for
from nasturtium.space.layers import Conv2d
from nasturtium.space.space import Space
from nasturtium.space.zoo.chain import chain
from nasturtium.space.zoo.nasbench201 import from_ops, nasbench201
from nasturtium.strategy.paths import UniformPaths


@pytest.fixture(scope="module", params=[nasbench201, chain], ids=["cells", "widths"])
def space(request):
    return request.param().bind((3, 8, 8), 10)


@pytest.fixture(scope="module")
def hypernet(space):
    return Hypernet(space, seed=1, layers=3)


def some(space, count=4):
    return [space.sample(rng_for(0, "hypernet", i)) for i in range(count)]


def images(count=4):
    return torch.randn(count, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def test_every_kernel_is_as_large_as_its_largest_size_and_its_filters_have_one_norm(space, hypernet):
    for one in some(space):
        network = space.network(one)
        written = hypernet.write(network)
        convs = {layer.name: layer.op for layer in network.layers if isinstance(layer.op, Conv2d)}
        assert written.keys() == convs.keys()
        for name, kernel in written.items():
            op = convs[name]
            least = (op.outputs, op.inputs // op.groups, op.kernel, op.kernel)
            assert all(side >= wanted for side, wanted in zip(kernel.shape, least, strict=True))
            norms = kernel.flatten(1).norm(dim=1)
            torch.testing.assert_close(norms, torch.full_like(norms, sqrt(2)))


def test_the_extracted_network_gives_the_same_output(space, hypernet):
    for one in some(space):
        for training in (False, True):
            hypernet.train(training)
            model = extract(hypernet, one)
            # The plain module has statistics, which are of use to nobody yet; its norms go by the batch.
            with torch.no_grad():
                assert torch.equal(model.train()(images()), hypernet(images(), one))


def test_a_state_has_the_names_and_shapes_of_the_plain_module(space, hypernet):
    one = some(space)[0]
    network = space.network(one)
    wanted = {k: v.shape for k, v in extract(hypernet, one).state_dict().items() if "running" not in k}
    given = {name: view.shape for name, view in hypernet.state_of(network)}
    assert given == {name: shape for name, shape in wanted.items() if "num_batches" not in name}


def test_the_gradient_of_the_loss_reaches_all_of_the_hypernetwork(space):
    hypernet = Hypernet(space, seed=1, layers=3)
    one = max(some(space, 8), key=lambda one: len(hypernet.write(space.network(one))))
    hypernet(images(), one).square().mean().backward()
    own = [p for name, p in hypernet.named_parameters() if not name.startswith("shared.")]
    assert len(own) == 2 + 1 + 1 + 3 * 2 + 2
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in own)
    assert not [name for name, p in hypernet.named_parameters() if name.endswith(":conv2d.weight")]


def test_the_gradient_is_that_of_the_extracted_kernels_through_the_writing():
    """Chain rule: d loss / d hypernetwork = d loss / d kernels of the plain module, times what wrote them."""
    space = nasbench201().bind((3, 8, 8), 10)
    hypernet = Hypernet(space, seed=1, layers=2).double()
    one, x = some(space)[1], images().double()
    hypernet(x, one).square().sum().backward()
    found = hypernet.embed.weight.grad.clone()
    model = extract(hypernet, one).train()
    model(x).square().sum().backward()
    hypernet.zero_grad()
    written = hypernet.write(space.network(one))
    slopes = [model.get_parameter(f"{name}.weight").grad for name in written]  # no width is open: no slices
    torch.autograd.backward(list(written.values()), slopes)
    torch.testing.assert_close(hypernet.embed.weight.grad, found, rtol=1e-8, atol=1e-12)


def test_what_is_written_for_one_layer_follows_what_it_reads():
    """Sheet 06: read and write masks are part of the encoding, else two networks get the same weights."""
    space = nasbench201().bind((3, 8, 8), 10)
    hypernet = Hypernet(space, seed=1)
    ops = ["nor_conv_3x3", "none", "nor_conv_3x3", "none", "none", "nor_conv_1x1"]
    one, other = (from_ops(space, [*ops[:3], last, *ops[4:]]) for last in ("none", "nor_conv_1x1"))
    first, second = (hypernet.write(space.network(each)) for each in (one, other))
    shared = first.keys() & second.keys()
    assert len(shared) >= 9
    assert sum(torch.equal(first[name], second[name]) for name in shared) == 0


def test_it_is_copied_and_pickled_without_what_it_wrote(space, hypernet):
    one = some(space)[0]
    hypernet.train()
    wanted = hypernet(images(), one)
    for other in (copy.deepcopy(hypernet), pickle.loads(pickle.dumps(hypernet))):
        assert torch.equal(other(images(), one), wanted)


def test_biases_are_shared_as_in_a_supernet():
    space = Space(b.conv(nt.choice(4, 6)), b.classifier(), input_shape=(3, 8, 8), outputs=10)
    network = space.network(space.unrank(0))
    hypernet = Hypernet(space, layers=1)
    names = [name for name, _ in hypernet.state_of(network)]
    assert len(names) == len(set(names))
    assert "conv.conv.weight" in names


def test_a_space_without_convolutions_is_refused():
    space = Space(b.dense(nt.choice(4, 8)), b.dense(act="none"), input_shape=(4,), outputs=3)
    with pytest.raises(SpaceError, match="no convolution"):
        Hypernet(space)


def test_it_is_trained_and_inherited_from_as_a_supernet_is():
    task = nt.tasks.image_classification("digits", max_train=160)
    space = nasbench201().bind(task.input_shape, task.outputs)
    hypernet = Hypernet(space, layers=2)
    recipe = nt.Recipe(epochs=10, batch_size=32, lr=0.05, threads=1)
    training = Training(hypernet, task, recipe)
    steps = Steps(training)
    search(UniformPaths(space), training, steps)
    losses = [trial.metrics["loss"] for trial in steps.trials]
    assert all(trial.status == "ok" for trial in steps.trials)
    assert sum(losses[-10:]) < sum(losses[:10])
    trial = Inherited(hypernet, task, recipe, recalibration=64).trial(Candidate(space.unrank(0)))
    assert trial.status == "ok", trial.error
