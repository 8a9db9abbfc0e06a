"""An exported source file is readable, complete, and computes what the model computes."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import fx, nn

from nasturtium.errors import ExportError
from nasturtium.export import source
from nasturtium.net.build import build
from nasturtium.space import layers as ir
from nasturtium.space.wiring import Value, Wiring

SHAPE = (3, 16, 16)


@pytest.fixture(scope="module")
def custom() -> ModuleType:
    path = Path(__file__).with_name("custom_blocks.py")
    spec = importlib.util.spec_from_file_location("custom_blocks", path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Holder:
    """A block of the space around a ready module."""

    label = "custom"

    def __init__(self, module: nn.Module) -> None:
        self.module = module

    def build(self, shape: tuple[int, ...]) -> nn.Module:
        return self.module


def around(module: nn.Module) -> fx.GraphModule:
    """conv, norm, `module`, classifier."""
    net = Wiring(10)
    x = net.norm(net.conv(Value(-1, SHAPE), 8, 3))
    x = net.custom(x, Holder(module), x.shape)
    net.linear(net.flatten(net.global_pool(x)), 10)
    return build(ir.Network(SHAPE, tuple(net.layers)), seed=0).eval()


def test_blocks_are_named_with_their_shapes_and_layers_in_their_order(mobile, task, tmp_path: Path) -> None:
    network, model = mobile
    source.write(model, tmp_path / "net.py", task, network=network)
    text = (tmp_path / "net.py").read_text()
    for span in network.blocks:
        assert f"        # {span.path}" in text
    assert "# stem: conv 3x3 -> 16\n" in text
    assert "# stem, to [batch, 16, 16, 16]\n        x = F.relu6(self.stem_norm(self.stem_conv(x)))\n" in text
    assert max(map(len, text.splitlines())) <= 120
    assert "import nasturtium" not in text
    assert "from nasturtium" not in text


def test_blocks_are_found_from_the_names_of_layers_alone(mobile, task) -> None:
    text = source.source(source.pruned(mobile[1]), task)
    assert "        # stage1.block1\n" in text
    assert "        # stage1.block1, to [batch, " in text


def test_keys_of_the_weights_are_attributes_of_the_class(mobile, task, tmp_path: Path) -> None:
    _, model = mobile
    source.write(model, tmp_path / "net.py", task)
    made = source.imported(tmp_path / "net.py").load()
    assert sum(p.numel() for p in made.parameters()) == sum(p.numel() for p in model.parameters())
    assert torch.equal(made.stem_conv.weight, model.stem.conv.weight)
    assert not made.training


def test_preprocess_does_what_training_did(mobile, task, tmp_path: Path) -> None:
    from nasturtium.tasks.images import Normalisation

    source.write(mobile[1], tmp_path / "net.py", task)
    images = torch.randint(0, 256, (5, *SHAPE), dtype=torch.uint8)
    said = task.describe()
    trained = Normalisation(tuple(said["mean"]), tuple(said["std"]), said["scale"])
    assert torch.equal(source.imported(tmp_path / "net.py").preprocess(images), trained(images))


def test_a_task_that_says_nothing_of_normalisation_gets_no_preprocess(mobile, task, tmp_path: Path) -> None:
    bare = type(task)(said={})
    source.write(mobile[1], tmp_path / "net.py", bare)
    text = (tmp_path / "net.py").read_text()
    assert "preprocess" not in text
    assert source.imported(tmp_path / "net.py").CLASSES[3] == "3"


def test_halves_of_the_channels_are_slices(sampled, task, tmp_path: Path) -> None:
    network, model = sampled("spos", 0)
    source.write(model, tmp_path / "net.py", task, network=network)
    text = (tmp_path / "net.py").read_text()
    assert "[:, ::2]" in text
    assert "[:, 1::2]" in text
    x = torch.randn(2, *SHAPE)
    with torch.inference_mode():
        assert torch.equal(source.imported(tmp_path / "net.py").load()(x), model(x))


def test_layers_that_no_output_depends_on_are_left_out(task, tmp_path: Path) -> None:
    net = Wiring(10)
    x = net.conv(Value(-1, SHAPE), 8, 3)
    net.conv(x, 99, 3, name="dead")
    net.linear(net.flatten(net.global_pool(x)), 10)
    source.write(build(ir.Network(SHAPE, tuple(net.layers)), seed=0), tmp_path / "net.py", task)
    assert "dead" not in (tmp_path / "net.py").read_text()


def test_names_that_would_collide_are_kept_apart(task, tmp_path: Path) -> None:
    net = Wiring(10)
    x = Value(-1, SHAPE)
    with net.scope("a"):
        x = net.conv(x, 8, 3, name="b_c")
        with net.scope("b"):
            x = net.conv(x, 8, 3, name="c")
    with net.scope("load_state"):
        x = net.conv(x, 8, name="dict")  # load_state_dict is a method of every module
    net.linear(net.flatten(net.global_pool(x)), 10)
    source.write(build(ir.Network(SHAPE, tuple(net.layers)), seed=0), tmp_path / "net.py", task)


def test_sums_products_concatenations_and_zeros_keep_their_order(task, tmp_path: Path) -> None:
    net = Wiring(10)
    x = net.conv(Value(-1, SHAPE), 8, 3)
    y = net.act(net.conv(x, 8, 3), "silu")
    z = net.multiply(net.pool(y, "avg", 3), net.act(net.global_pool(x), "sigmoid"))
    w = net.concat(net.add(x, y, z, net.zero(y)), net.add(z, net.add(x, x)), net.act(y, "gelu"))
    net.linear(net.dropout(net.flatten(net.global_pool(w)), 0.3), 10)
    source.write(build(ir.Network(SHAPE, tuple(net.layers)), seed=0), tmp_path / "net.py", task)


def test_a_module_of_the_users_own_is_written_with_all_that_it_needs(custom, task, tmp_path: Path) -> None:
    source.write(around(custom.Mixer(8, depth=2)), tmp_path / "net.py", task)
    text = (tmp_path / "net.py").read_text()
    assert text.count("import math\n") == 1
    for part in (
        "SCALE_ = ",
        "class Mixer(nn.Module):",
        "class Swish(nn.Module):",
        "def soften(",
        "Mixer(8, depth=2)",
    ):
        assert part.replace("SCALE_", "SCALE") in text
    assert "Leans" not in text


def test_modules_of_torch_that_have_no_functional_form_are_attributes(task, tmp_path: Path) -> None:
    inner = nn.Sequential(nn.GroupNorm(2, 8), nn.PReLU(8), nn.Upsample(scale_factor=2.0))
    source.write(around(inner), tmp_path / "net.py", task)


def test_a_module_that_needs_nasturtium_is_refused(custom, task, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="Leans uses ExportError from nasturtium"):
        source.write(around(custom.Leans()), tmp_path / "net.py", task)
    assert list(tmp_path.iterdir()) == []


def test_a_class_inside_a_function_is_refused(task, tmp_path: Path) -> None:
    class Local(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x

    with pytest.raises(ExportError, match="Local is defined inside a function"):
        source.write(around(Local()), tmp_path / "net.py", task)


def test_a_class_without_a_file_is_refused(task, tmp_path: Path) -> None:
    module = ModuleType("typed_in")
    sys.modules["typed_in"] = module
    code = "from torch import nn\nclass Typed(nn.Module):\n    def forward(self, x):\n        return x\n"
    exec(code, vars(module))
    with pytest.raises(ExportError, match=r"source of Typed cannot be found.*define it in a \.py file"):
        source.write(around(module.Typed()), tmp_path / "net.py", task)


def test_a_module_changed_after_it_was_made_is_noticed(custom, task, tmp_path: Path) -> None:
    mixer = custom.Mixer(8)
    mixer.act.beta = 3.0  # Mixer's constructor will make another
    with pytest.raises(ExportError, match="differs from the model"):
        source.write(around(mixer), tmp_path / "net.py", task)
    assert list(tmp_path.iterdir()) == []


def test_a_module_that_nasturtium_did_not_build_is_refused(task, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"Flatten was not built by nasturtium.*\.onnx or \.pt2"):
        source.write(nn.Flatten(), tmp_path / "net.py", task)
