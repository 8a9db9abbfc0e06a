import copy

import pytest
import torch

from nasturtium.errors import ConfigError
from nasturtium.evaluate.companion import HEAD, PATHS, companion, set_drop_rate, with_auxiliary
from nasturtium.evaluate.fit import fit
from nasturtium.evaluate.recipe import Recipe
from nasturtium.net.build import build
from nasturtium.space.space import Space
from nasturtium.space.zoo.darts import darts
from nasturtium.space.zoo.genotypes import genotype_space

BOTH = Recipe(epochs=1, drop_path=0.3, auxiliary=0.4, threads=1)


@pytest.fixture
def network():
    space: Space = genotype_space("DARTS_V2/small").bind((1, 8, 8), 10)
    return space.network(space.unrank(0))


def images(n=4):
    return torch.randn(n, 1, 8, 8, generator=torch.Generator().manual_seed(0))


def test_without_either_the_network_itself_is_trained(network):
    model = build(network, seed=0)
    assert companion(model, None, Recipe(), 0) is model


def test_without_drops_it_computes_what_the_network_computes_with_the_same_weights(network):
    model = build(network, seed=0)
    trained = companion(model, network, BOTH, 0)
    logits, auxiliary = with_auxiliary(trained(images()))
    assert torch.equal(logits, model(images()))
    assert auxiliary is not None
    assert auxiliary.shape == logits.shape
    own = {id(p) for p in trained.parameters()}
    assert {id(p) for p in model.parameters()} <= own
    assert len(own) == len(list(model.parameters())) + len(list(trained.get_submodule(HEAD).parameters()))


def test_dropping_changes_the_output_in_training_alone(network):
    model = build(network, seed=0)
    trained = companion(model, network, BOTH, 0).train()
    before = trained(images())[0]
    set_drop_rate(trained, 0.5)
    assert not torch.equal(trained(images())[0], before)
    trained.eval()
    assert torch.equal(trained(images())[0], model.eval()(images()))


def test_identities_are_never_dropped(network):
    model = build(network, seed=0)
    trained = companion(model, network, BOTH, 0).train()
    calls = []
    trained.get_submodule(PATHS).register_forward_hook(lambda _, given, __: calls.append(given[0].shape))
    trained(images())
    # Three normal cells of 6 operations (8 less 2 skips) and two reductions; theirs have 2 skips of blocks.
    assert len(calls) == 3 * 6 + 2 * (8 - 3)


def test_gradients_of_the_auxiliary_loss_reach_the_trunk_below_it_and_nothing_above(network):
    model = build(network, seed=0)
    trained = companion(model, network, BOTH, 0)
    _, auxiliary = with_auxiliary(trained(images()))
    auxiliary.square().sum().backward()
    reached = {name for name, p in model.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
    assert any(name.startswith("cells.cell1.") for name in reached)
    assert any(name.startswith("cells.cell4.") for name in reached)
    assert not any(name.startswith(("cells.cell5.", "classifier.")) for name in reached)


def test_a_trained_network_has_no_trace_of_either(network, few_digits):
    model = build(network, seed=0)
    before = copy.deepcopy(model)
    result = fit(
        model, few_digits.train, None, BOTH, seed=0, normalisation=few_digits.normalisation, network=network
    )
    assert result.stop == "done"
    assert model.code == before.code
    assert model.state_dict().keys() == before.state_dict().keys()
    assert not torch.equal(
        model.get_parameter("cells.stem.conv.weight"), before.get_parameter("cells.stem.conv.weight")
    )


def test_the_same_seed_trains_the_same_weights_with_both(network, few_digits):
    def trained(recipe):
        model = build(network, seed=0)
        fit(
            model,
            few_digits.train,
            None,
            recipe,
            seed=3,
            normalisation=few_digits.normalisation,
            network=network,
        )
        return model.state_dict()

    first, again, without = trained(BOTH), trained(BOTH), trained(Recipe(epochs=1, threads=1))
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not all(torch.equal(first[key], without[key]) for key in first)


def test_without_the_network_neither_is_possible(network):
    with pytest.raises(ConfigError, match="drop_path and auxiliary need the network"):
        companion(build(network), None, BOTH, 0)


def test_the_darts_space_is_trained_with_both_by_its_recipe():
    space = darts()
    network = space.network(space.unrank(5))
    trained = companion(build(network, seed=0), network, BOTH, 0)
    assert trained(torch.randn(2, 3, 32, 32))[1].shape == (2, 10)
