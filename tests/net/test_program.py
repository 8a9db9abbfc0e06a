import torch

from nasturtium.architecture import Mixture
from nasturtium.net import program
from nasturtium.net.build import build
from nasturtium.net.program import Program, arranged
from nasturtium.net.supernet import Supernet
from nasturtium.run.names import space_named
from nasturtium.space.layers import BatchNorm, Conv2d, Network, Pool
from nasturtium.space.wiring import Value, Wiring
from nasturtium.space.zoo.darts_search import darts_search_of

SHAPE = (4, 6, 6)


def no_bank(_):
    """Of layers without weights."""


def wired(write):
    net = Wiring(2)
    write(net, Value(-1, SHAPE))
    return Network(SHAPE, tuple(net.layers))


def assert_same(network):
    """A network without weights runs as its own module does, and leaves its input as it was."""
    x = torch.randn(2, *SHAPE)
    before = x.clone()
    wanted = build(network).eval()(x)
    assert torch.equal(Program(network, no_bank)(x, (), training=False), wanted)
    assert torch.equal(x, before)


def test_what_is_equal_is_run_once():
    def write(net, x):
        left, right = net.pool(net.act(x), "avg", 3), net.pool(net.act(x), "avg", 3)
        net.add(left, right, net.act(x, "tanh"))

    network = wired(write)
    assert (len(network.layers), len(arranged(network, no_bank))) == (6, 4)
    assert_same(network)


def test_draws_are_never_shared():
    def write(net, x):
        net.add(net.dropout(x, 0.5), net.dropout(x, 0.5))

    assert len(arranged(wired(write), no_bank)) == 3


def test_the_last_layer_is_the_output_also_where_another_computes_the_same():
    def write(net, x):
        net.act(x)
        net.pool(x, "max", 3)
        net.act(x)

    assert_same(wired(write))


def test_inputs_of_the_network_and_values_read_twice_are_not_written_over():
    def write(net, x):
        y = net.act(x)
        z = net.add(net.act(y, "relu6"), y, x)
        net.multiply(net.act(z), z)

    network = wired(write)
    assert not any(node.inplace for node in arranged(network, no_bank))
    assert_same(network)


def test_an_activation_writes_over_a_norm_that_only_it_reads():
    def write(net, x):
        y = net.norm(net.conv(x, 4))
        z = net.norm(net.conv(y, 4))
        net.add(net.act(net.act(z), "silu"), net.act(z), y)

    kinds = [
        (node.layer.name, node.inplace)
        for node in arranged(wired(write), no_bank)
        if "act" in node.layer.name
    ]
    assert kinds == [("act", True), ("act2", False)]  # the two equal ones are one, which is read twice


def test_weights_of_options_that_end_in_a_norm_are_its_scale():
    space = space_named("nasbench201").bind((3, 8, 8), 3)
    supernet = Supernet(space)
    rows = tuple((0.2,) * 5 for _ in space.decisions)
    nodes = arranged(supernet.network(Mixture(space.fingerprint, rows)), supernet.bank)
    scaled = [node for node in nodes if node.scale]
    assert len(scaled) == 3 * 6 * 2
    assert all(isinstance(node.layer.op, BatchNorm) for node in scaled)
    sums = [node for node in nodes if node.terms]
    assert len(sums) == 3 * 3  # one for each node of each cell
    assert sum(bool(term) for node in sums for term in node.terms) == 3 * 6 * 2  # a skip and a pool each


def test_rows_and_columns_that_strided_options_see_are_taken_once(monkeypatch):
    space = darts_search_of(4, (False, True), "two cells").bind((3, 8, 7), 3)
    supernet = Supernet(space, norms="batch", affine=False).double()
    rows = tuple((1.0,) * len(decision.labels) for decision in space.decisions)
    network = supernet.network(Mixture(space.fingerprint, rows))
    weights = [torch.rand(len(row), dtype=torch.float64, requires_grad=True) for row in rows]
    x = torch.randn(4, 3, 8, 7, dtype=torch.float64).contiguous(memory_format=torch.channels_last)
    images, labels = x.requires_grad_(), torch.tensor([0, 1, 2, 0])

    def run():
        logits = Program(network, supernet.bank)(images, weights, training=True)
        loss = torch.nn.functional.cross_entropy(logits, labels)
        return logits, *torch.autograd.grad(loss, [images, *weights, *supernet.parameters()])

    ops = [node.layer.op for node in arranged(network, supernet.bank)]
    assert not any(
        isinstance(op, Conv2d) and op.stride > 1 and (op.kernel == 1 or op.dilation > 1) for op in ops
    )
    found = run()
    monkeypatch.setattr(program, "_on_grid", lambda layer, shape: None)
    assert len(arranged(network, supernet.bank)) == len(ops) - ops.count(Pool("avg", 1, 2))
    for ours, known in zip(found, run(), strict=True):
        torch.testing.assert_close(ours, known, rtol=1e-9, atol=1e-12)
