import pytest
import torch

from nasturtium.evaluate.drop_path import DropPath, drop_rate, droppable
from nasturtium.space.zoo.genotypes import genotype_space
from nasturtium.space.zoo.mobilenet import mobilenet
from nasturtium.space.zoo.resnet import resnet


def names(space):
    network = space.network(space.unrank(0))
    return [(network.layers[a].name, network.layers[b].name) for a, b in droppable(network)]


def test_the_mean_over_draws_is_the_input():
    drop = DropPath().train()
    drop.rate = 0.3
    x = torch.linspace(-2, 2, 24, dtype=torch.float64).view(1, 2, 3, 4).expand(40_000, -1, -1, -1)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        y = drop(x)
    # Five standard deviations of the mean of 40,000 draws.
    spread = 5 * (0.3 / 0.7 / 40_000) ** 0.5
    torch.testing.assert_close(y.mean(0), x[0], rtol=spread, atol=0)


def test_a_path_is_dropped_whole_image_by_image():
    drop = DropPath().train()
    drop.rate = 0.5
    with torch.random.fork_rng():
        torch.manual_seed(0)
        y = drop(torch.ones(200, 3, 2, 2))
    assert {tuple(image.unique().tolist()) for image in y} == {(0.0,), (2.0,)}


@pytest.mark.parametrize("rate", [0.0, 0.9])
def test_outside_of_training_or_at_a_rate_of_0_nothing_changes_and_nothing_is_drawn(rate):
    drop = DropPath().train(rate == 0)
    drop.rate = rate
    x, before = torch.randn(4, 3, 2, 2), torch.get_rng_state()
    assert drop(x) is x
    assert torch.equal(torch.get_rng_state(), before)


def test_the_rate_grows_linearly_from_0():
    assert [drop_rate(0.2, step, 4) for step in range(4)] == pytest.approx([0, 0.05, 0.1, 0.15])


def test_in_a_cell_every_operation_may_be_dropped_but_no_state_that_is_passed_on():
    """DARTS_V2's normal cell: blocks 3 and 4 add the state two back unchanged (quark0/darts, model.py)."""
    found = [two for two in names(genotype_space("DARTS_V2/small")) if two[0].startswith("cells.cell1.")]
    assert [a.removeprefix("cells.cell1.") for a, _ in found] == [
        *("block1.add", "block1.add", "block2.add", "block2.add", "block3.add", "block4.add"),
    ]
    assert [b.rpartition(".")[0].removeprefix("cells.cell1.") for _, b in found] == [
        *("block1.left", "block1.right", "block2.left", "block2.right", "block3.left", "block4.right"),
    ]


def test_a_halved_skip_is_an_operation():
    """The reduction's skips read its own blocks; those of stride 2 are factorised reductions."""
    text = (
        "Genotype(normal=[('skip_connect', 0), ('skip_connect', 1)], normal_concat=[2], "
        "reduce=[('skip_connect', 0), ('skip_connect', 1)], reduce_concat=[2])"
    )
    dropped = {b.split(".")[1] for _, b in names(genotype_space(f"{text}/small"))}
    assert dropped == {"cell2", "cell4"}  # the two reductions


def test_in_a_residual_network_the_branch_may_be_dropped_and_the_shortcut_not():
    space = mobilenet()
    network = space.network(space.unrank(space.count - 1))
    found = droppable(network)
    assert found
    assert {network.layers[b].name.rpartition(".")[0].rpartition(".")[2] for _, b in found} == {"project"}


def test_a_projected_shortcut_is_not_dropped():
    space = resnet()
    network = space.network(space.unrank(space.count - 1))
    dropped = {network.layers[b].name.rpartition(".")[0].rpartition(".")[2] for _, b in droppable(network)}
    assert any(".shortcut." in layer.name for layer in network.layers)
    assert dropped == {"second"}
