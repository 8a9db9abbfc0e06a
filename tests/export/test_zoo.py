"""Fifty random networks of the zoo, exported, compute what PyTorch computes; so does a trained one."""

import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from safetensors.torch import load_file, save_file

from nasturtium.evaluate.fit import fit
from nasturtium.evaluate.recipe import Recipe
from nasturtium.export import onnx, source
from nasturtium.net.build import build
from nasturtium.seeds import rng_for
from nasturtium.space.zoo.mobilenet import mobilenet
from nasturtium.tasks.images import image_classification

ZOO = ("chain", "mobilenet", "resnet", "nasbench201", "nasbench_macro")
EACH = 10

# What runs in another process, where nasturtium cannot be imported.
ISOLATED = """
import runpy, sys
sys.modules["nasturtium"] = None  # makes every import of it fail
try:
    import nasturtium
    raise SystemExit("nasturtium can be imported")
except ImportError:
    pass
import torch
from pathlib import Path
from safetensors.torch import load_file
torch.set_num_threads(int(sys.argv[1]))
"""
LOGITS = f"""{ISOLATED}
for file in sorted(Path(sys.argv[2]).glob("*.py")):
    said = load_file(file.with_suffix(".expected"))
    with torch.inference_mode():
        made = runpy.run_path(str(file))["load"]()(said["x"])
    print(file.stem, torch.equal(made, said["logits"]), float((made - said["logits"]).abs().max()))
"""
ACCURACY = f"""{ISOLATED}
net, test = runpy.run_path(sys.argv[2]), load_file(sys.argv[3])
with torch.inference_mode():
    answers = net["load"]()(net["preprocess"](test["images"])).argmax(1)
print(int((answers == test["labels"]).sum()), "of", len(answers))
"""


def isolated(script: str, *arguments: str) -> list[str]:
    # The same number of threads: with another, sums may be taken in another order.
    command = [sys.executable, "-I", "-W", "error", "-c", script, str(torch.get_num_threads()), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, sampled, task) -> Path:
    """Every network as .onnx and as .py with its weights; inputs and expected logits as .expected."""
    folder: Path = tmp_path_factory.mktemp("zoo")
    for name, seed in itertools.product(ZOO, range(EACH)):
        network, model = sampled(name, seed)
        stem = folder / f"{name}_{seed}"
        x = torch.randn(3, *task.input_shape, generator=torch.Generator().manual_seed(seed))
        with torch.inference_mode():
            save_file({"x": x, "logits": model(x)}, stem.with_suffix(".expected"))
        onnx.write(model, stem.with_suffix(".onnx"), task)
        source.write(model, stem.with_suffix(".py"), task, network=network)
    return folder


def test_onnx_gives_pytorchs_logits_for_fifty_networks(folder: Path) -> None:
    files = sorted(folder.glob("*.onnx"))
    assert len(files) == 50
    for file in files:
        said = load_file(file.with_suffix(".expected"))
        session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
        (logits,) = session.run(["logits"], {"input": said["x"].numpy()})
        np.testing.assert_allclose(logits, said["logits"].numpy(), atol=1e-4, err_msg=file.stem)


def test_source_gives_pytorchs_logits_to_the_last_bit_where_nasturtium_cannot_be_imported(
    folder: Path,
) -> None:
    lines = isolated(LOGITS, str(folder))
    assert len(lines) == 50
    assert [line for line in lines if not line.endswith(" True 0.0")] == []


def test_source_of_a_trained_network_repeats_its_test_accuracy_exactly(tmp_path: Path) -> None:
    digits = image_classification("digits")
    space = mobilenet().bind(digits.input_shape, digits.outputs)
    network = space.network(space.sample(rng_for(1, "test/export")))
    model = build(network, seed=0)
    fit(model, digits.train, None, Recipe(epochs=2), seed=0, normalisation=digits.normalisation)
    source.write(model, tmp_path / "digits.py", digits, network=network)
    with torch.inference_mode():
        answers = model.eval()(digits.normalisation(digits.test.images)).argmax(1)
    right = int((answers == digits.test.labels).sum())
    assert right > 0.5 * len(digits.test)
    save_file({"images": digits.test.images, "labels": digits.test.labels}, tmp_path / "test.safetensors")
    said = isolated(ACCURACY, str(tmp_path / "digits.py"), str(tmp_path / "test.safetensors"))
    assert said == [f"{right} of {len(digits.test)}"]
