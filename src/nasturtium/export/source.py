"""A network as one readable Python file with its weights beside it, for those who will own the code."""

import copy
import re
from collections.abc import Mapping
from itertools import groupby
from keyword import iskeyword
from pathlib import Path
from pprint import pformat
from types import ModuleType

import torch
from safetensors.torch import save
from torch import fx, nn
from torch.fx.passes.shape_prop import ShapeProp

from nasturtium.errors import ExportError
from nasturtium.export.classes import Classes, own_classes
from nasturtium.export.constructor import constructor
from nasturtium.export.normalisation import Normalisation, classes, normalisation, reads_text
from nasturtium.export.replaced import replaced
from nasturtium.export.statements import FUNCTIONAL, statements
from nasturtium.protocols import Task
from nasturtium.space.layers import Network

TEMPLATE = '''\
"""A network for {name}, found by Nasturtium.

Input: float32 [batch, {shape}]{prepared}. Output: logits [batch, {scores}], one per {answer}.
The weights are in the .safetensors file of the same name. It needs torch and safetensors, nothing else.
"""

{imports}

CLASSES = {classes}
{constants}{own}

class Net(nn.Module):
    """Maps [batch, {shape}] to logits [batch, {scores}]; {params:,} parameters."""

    def __init__(self) -> None:
        super().__init__()
{init}

    def forward(self, x: Tensor) -> Tensor:
{forward}

{preprocess}
def load(weights: Path | str | None = None) -> Net:
    """Returns the trained network in eval mode; its weights are by default in the file beside this one."""
    model = Net()
    model.load_state_dict(load_file(weights or Path(__file__).with_suffix(".safetensors")))
    return model.eval()


{main}'''

IMAGES = """if __name__ == "__main__":
    images = torch.rand(1, {shape}){times}  # put your own here
    with torch.inference_mode():
        shares = load()({demo}).softmax(1)[0].tolist()
    for share, label in sorted(zip(shares, CLASSES, strict=True), reverse=True)[:5]:
        print(f"{{share:7.2%}}  {{label}}")
"""

TEXT = """if __name__ == "__main__":
    net, text = load(), CLASSES[0]  # put a text of your own here: it goes on
    for _ in range(300):
        read = text[-{tokens}:]
        numbers = [CLASSES.index(one) for one in read.ljust({tokens}, CLASSES[0])]
        with torch.inference_mode():
            shares = net(torch.tensor([[numbers]]).float())[0, :, len(read) - 1].softmax(0)
        text += CLASSES[int(torch.multinomial(shares, 1))]
    print(text)
"""

PREPROCESS = '''
def preprocess(images: Tensor) -> Tensor:
    """Turns images as they are stored, [batch, {shape}] from 0 to {scale:g}, into the network's input."""
    mean, std = (torch.tensor(values).view(1, -1, 1, 1) for values in (MEAN, STD))
    # (images / SCALE - mean) / std, in the order of operations that training used.
    return images.to(torch.float32).mul(1 / (SCALE * std)).sub(mean / std)

'''


def write(model: nn.Module, path: Path, task: Task, *, network: Network | None = None) -> None:
    """Writes `path` and, beside it, the weights as ``.safetensors``.

    Before it takes its place the file is run once, and must give what `model` gives, to the last bit.

    Args:
        model: Built by nasturtium, on the CPU.
        path: Ends in ``.py``.
        task: Gives shapes, class names and normalisation.
        network: Gives the blocks for the comments; without it they come from the names of the layers.

    Raises:
        ExportError: A layer has no source, or the files cannot be written.
    """
    graph = pruned(model)
    names = attribute_names(graph)
    text = source(graph, task, network)
    weights = {
        _renamed(key, names): value.detach().clone(memory_format=torch.contiguous_format)
        for key, value in graph.state_dict().items()
    }
    with replaced(path, path.with_suffix(".safetensors")) as (code, tensors):
        tensors.write_bytes(save(weights))
        code.write_text(text, encoding="utf-8")
        _check(graph, code, tensors, task)


def pruned(model: nn.Module) -> fx.GraphModule:
    """Returns a copy of a built module, in eval mode, without layers that no output depends on."""
    if not isinstance(model, fx.GraphModule):
        raise ExportError(
            f"{type(model).__name__} was not built by nasturtium, so it has no graph to write as source; "
            "export it to .onnx or .pt2"
        )
    made = copy.deepcopy(model).eval()
    made.graph.eliminate_dead_code()
    made.delete_all_unused_submodules()
    made.recompile()
    return made


def attribute_names(model: fx.GraphModule) -> dict[str, str]:
    """Returns the attribute of each layer that needs one: ``stage1.conv`` is ``self.stage1_conv``."""
    names: dict[str, str] = {}
    for node in model.graph.nodes:
        path = str(node.target)
        if node.op != "call_module" or path in names:
            continue
        if type(model.get_submodule(path)) in FUNCTIONAL or isinstance(model.get_submodule(path), nn.Flatten):
            continue
        name = re.sub(r"\W", "_", path)
        if not name.isidentifier():  # torch's own containers count their layers from 0
            name = f"layer{name}"
        while name in names.values() or hasattr(nn.Module, name) or iskeyword(name):
            name += "_"
        names[path] = name
    return names


def source(model: fx.GraphModule, task: Task, network: Network | None = None) -> str:
    """Returns the file's text for a module without dead layers."""
    names = attribute_names(model)
    own = Classes()
    for kind in own_classes(model.get_submodule(path) for path in names):
        own.add(kind)
    given = normalisation(task)
    shape = ", ".join(map(str, task.input_shape))
    language = reads_text(task)
    parts = {
        "init": _init(model, names, network),
        "forward": _forward(model, names, network, task),
        "own": "".join(f"\n\n{text}\n" for text in own.definitions.values()),
        "preprocess": PREPROCESS.format(shape=shape, scale=given.scale) if given else "",
        "constants": f"MEAN = {given.mean}\nSTD = {given.std}\nSCALE = {given.scale}\n" if given else "",
        "main": TEXT.format(tokens=task.input_shape[-1]) if language else _pictures(shape, given),
    }
    return TEMPLATE.format(
        **parts,
        name=task.name.replace("\\", "/").replace('"', "'"),
        shape=shape,
        scores=f"{task.outputs}, {task.input_shape[-1]}" if language else task.outputs,
        answer="character that may follow each" if language else "class",
        imports=_imports("".join(parts.values()), own.imports),
        classes=pformat(classes(task), width=100, compact=True),
        params=sum(p.numel() for p in model.parameters()),
        prepared=", as `preprocess` returns it" if given else "",
    )


def _pictures(shape: str, given: Normalisation | None) -> str:
    times = f" * {given.scale:g}" if given and given.scale != 1 else ""
    return IMAGES.format(shape=shape, times=times, demo="preprocess(images)" if given else "images")


def imported(path: Path) -> ModuleType:
    """Returns an exported file as a module, without a trace of it in ``sys.modules`` or on the disk."""
    module = ModuleType(path.stem)
    module.__file__ = str(path)
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), vars(module))
    return module


def _check(model: fx.GraphModule, code: Path, tensors: Path, task: Task) -> None:
    x = torch.randn(3, *task.input_shape, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        wanted, given = model(x), imported(code).load(tensors)(x)
    if not torch.equal(wanted, given):
        raise ExportError(
            f"the exported source differs from the model by {(wanted - given).abs().max():.2g}; does a "
            "module of yours keep an argument of __init__ under its name but changed?"
        )


def _imports(body: str, more: list[str]) -> str:
    standard = ["from collections import OrderedDict"] if "OrderedDict(" in body else []
    function = ["import torch.nn.functional as F"] if "F." in body else []
    torches = [
        "import torch",
        *function,
        "from safetensors.torch import load_file",
        "from torch import Tensor, nn",
    ]
    others = [line for line in more if line not in torches]
    return "\n".join([*standard, "from pathlib import Path", "", *torches, *others])


def _init(model: fx.GraphModule, names: Mapping[str, str], network: Network | None) -> str:
    block_of = _blocks(model, network)
    first_use = {str(node.target): node for node in reversed(model.graph.nodes) if str(node.target) in names}
    lines = []
    for block, paths in groupby(names, key=lambda path: block_of[first_use[path]]):
        lines.append(f"        # {block}")
        lines += [f"        self.{names[path]} = {constructor(model.get_submodule(path))}" for path in paths]
    return "\n".join(lines)


def _forward(model: fx.GraphModule, names: Mapping[str, str], network: Network | None, task: Task) -> str:
    block_of = _blocks(model, network)
    ShapeProp(model).propagate(torch.zeros(1, *task.input_shape))
    lines = []
    for block, group in groupby(statements(model, names, block_of), key=lambda line: block_of[line.node]):
        made = list(group)
        shape = ", ".join(map(str, made[-1].node.meta["tensor_meta"].shape[1:]))
        lines.append(f"        # {block.partition(':')[0]}, to [batch, {shape}]")
        lines += [f"        {line.name} = {line.text}" for line in made]
    last = lines[-1].partition(" = ")[2]
    return "\n".join([*lines[:-1], f"        return {last}"])


def _blocks(model: fx.GraphModule, network: Network | None) -> dict[fx.Node, str]:
    """Returns the block of each node, as a comment names it; functions go with the layer before them."""
    labels = {}
    for span in network.blocks if network else ():
        for layer in network.layers[span.first : span.last + 1] if network else ():
            labels[layer.name] = span.path if span.path == span.label else f"{span.path}: {span.label}"
    found: dict[fx.Node, str] = {}
    block = "input"
    for node in model.graph.nodes:
        if node.op == "call_module":
            path = str(node.target)
            block = labels.get(path) or _block_path(path)
        found[node] = block
    return found


def _block_path(path: str) -> str:
    """``stage1.block2.expand.conv`` belongs to ``stage1.block2``, ``stem.conv`` to ``stem``."""
    found = re.match(r"(?:stage\d*\.)*[^.]+", path)
    return found.group() if found else path


def _renamed(key: str, names: Mapping[str, str]) -> str:
    path = next(path for path in names if key.startswith(f"{path}."))
    return names[path] + key[len(path) :]
