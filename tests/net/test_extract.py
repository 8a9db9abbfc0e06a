import torch

from nasturtium.net.extract import extract
from nasturtium.net.supernet import Supernet
from nasturtium.run.names import space_named


def chain():
    return space_named("chain").bind((1, 8, 8), 3)


def test_the_subnet_has_weights_of_its_own():
    supernet = Supernet(chain()).eval()
    architecture = supernet.space.unrank(7)
    model = extract(supernet, architecture)
    x = torch.randn(2, 1, 8, 8)
    before = model(x)
    with torch.no_grad():
        for weights in supernet.parameters():
            weights.zero_()
    assert torch.equal(model(x), before)
    assert not supernet(x, architecture).any()


def test_it_is_what_build_makes_of_the_network():
    from nasturtium.net.build import build

    supernet = Supernet(chain())
    architecture = supernet.space.unrank(7)
    built = build(supernet.space.network(architecture), seed=0)
    assert extract(supernet, architecture).code == built.code
    assert list(extract(supernet, architecture).state_dict()) == list(built.state_dict())


def test_statistics_come_along_and_mode_and_type_are_the_supernets():
    supernet = Supernet(chain()).double()
    architecture = supernet.space.unrank(7)
    for _ in range(3):
        supernet(torch.randn(4, 1, 8, 8, dtype=torch.float64), architecture)
    model = extract(supernet, architecture)
    assert model.training
    assert not extract(supernet.eval(), architecture).training
    state = dict(supernet.state_of(supernet.space.network(architecture)))
    moved = [name for name in state if "running_mean" in name]
    assert moved
    for name, value in model.state_dict().items():
        assert value.dtype == (torch.int64 if "num_batches" in name else torch.float64)
        assert "num_batches" in name or torch.equal(value, state[name])
    assert all(model.state_dict()[name].any() for name in moved)


def test_the_global_generator_is_left_alone():
    supernet = Supernet(chain())
    torch.manual_seed(3)
    before = torch.get_rng_state()
    extract(supernet, supernet.space.unrank(0))
    assert torch.equal(torch.get_rng_state(), before)
