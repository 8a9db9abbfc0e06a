"""Exporting a trained network: which format, and what came of it."""

import copy
import logging
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from torch import nn

from nasturtium.cost.device import Device, this_device
from nasturtium.cost.measure import Latency, Run, calibrate, clock_for, measure
from nasturtium.cost.runtime import fixed_threads, reference_run, session_run, torch_run
from nasturtium.errors import ConfigError, unknown
from nasturtium.export import card, int8, onnx, program, source
from nasturtium.export.card import Facts
from nasturtium.export.check import Answers, Check, check
from nasturtium.protocols import Task
from nasturtium.run.front import Pick
from nasturtium.run.names import task_named
from nasturtium.space.layers import Network

log = logging.getLogger(__name__)

# By the end of a name; int8 first, whose end is that of ONNX, too.
FORMATS = {"int8": ".int8.onnx", "onnx": ".onnx", "program": ".pt2", "source": ".py"}


@dataclass(frozen=True, slots=True)
class Artifact:
    """What `export` made.

    Attributes:
        path: The file.
        files: All files written, the card last.
        difference: Largest absolute difference of its logits to the model's, on random inputs.
        check: How it answers beside the model, on the task's data; None where the task has none.
        latency: Of the artefact itself, for one input; None where it was not measured.
        device: What that was measured on.
    """

    path: Path
    files: tuple[Path, ...]
    difference: float
    check: Check | None
    latency: Latency | None
    device: Device


def export(
    model: nn.Module | Pick,
    path: str | Path,
    task: Task | str | None = None,
    *,
    format: str | None = None,
    network: Network | None = None,
    facts: Facts | None = None,
    measured: bool = True,
    threads: int = 1,
) -> Artifact:
    """Writes a trained network as a file that needs no nasturtium, with a model card beside it.

    All formats take what the PyTorch model takes: normalised float32 images, [batch, channels, height,
    width]. The card, the file's metadata and, in source, a function `preprocess` say how images are
    normalised. A file is compared with the model before it takes its place; one that answers worse than the
    model is warned of, see `check`.

    Args:
        model: A module, in any mode and on any device; or a pick of a run, which brings the rest with it.
        path: ``net.onnx`` for ONNX, ``net.int8.onnx`` for ONNX that computes in 8 bits, ``net.pt2`` for a
            torch.export program, ``net.py`` for source, whose weights then are in ``net.safetensors``.
        task: What it was trained for, or the name of that, such as ``digits``.
        format: ``onnx``, ``int8``, ``program`` or ``source``, where the path has no suffix that says so.
        network: Gives the names of blocks for the comments of source.
        facts: History of the network for the card.
        measured: Whether to measure the latency of the artefact.
        threads: Threads for that.

    Raises:
        UnknownName: There is no such format.
        ConfigError: No task was given, or onnx or onnxruntime is not installed.
        ExportError: The network cannot be written so, differs when read back, or the files cannot be written.
    """
    file, kind = _file(Path(path), format)
    if isinstance(model, Pick):
        task = task or model.run.task
        network, facts = network or model.network, facts or _facts(model)
        model = model.model()
    given: Task | None = task_named(task) if isinstance(task, str) else task
    if given is None:
        raise ConfigError("export needs the task that the model was trained for: export(model, path, task)")
    model = copy.deepcopy(model).cpu().eval()
    difference = _write(model, file, kind, given, network)
    facts = facts or Facts()
    judged = facts.retrained is not None and bool(facts.retrained.errors)
    with fixed_threads(threads):
        opened = partial(_answers, file, kind, threads)
        found = check(model, opened, given, "test" if judged else "valid")
    if found and found.warning:
        log.warning("%s: %s", file.name, found.warning)
    device = this_device(threads)
    latency = _latency(file, kind, given, threads) if measured else None
    about = file.with_name(f"{file.name}.md")
    card.write(about, file, given, facts, check=found, latency=latency, device=str(device))
    weights = (file.with_suffix(".safetensors"),) if kind == "source" else ()
    return Artifact(file, (file, *weights, about), difference, found, latency, device)


def _file(path: Path, kind: str | None) -> tuple[Path, str]:
    """Returns the path with its suffix, and the name of the format."""
    given = next((name for name, suffix in FORMATS.items() if path.name.endswith(suffix)), None)
    if kind is None:
        if given is None:
            known = FORMATS.values()
            raise unknown("export format", path.suffix or path.name, known, where="the end of the path")
        return path, given
    if kind not in FORMATS:
        raise unknown("export format", kind, FORMATS)
    if given is not None and given != kind:
        name = path.name.removesuffix(FORMATS[given])
        raise ConfigError(f"{path.name} does not fit the format {kind!r}; call it {name}{FORMATS[kind]}")
    return path if given == kind else path.with_name(path.name + FORMATS[kind]), kind


def _write(model: nn.Module, file: Path, kind: str, task: Task, network: Network | None) -> float:
    if kind == "onnx":
        return onnx.write(model, file, task)
    if kind == "int8":
        return int8.write(model, file, task)
    if kind == "program":
        return program.write(model, file, task)
    source.write(model, file, task, network=network)
    return 0.0


def _latency(file: Path, kind: str, task: Task, threads: int) -> Latency:
    clock = clock_for(threads)
    with fixed_threads(threads):
        run = _run(file, kind, task, threads)
        return measure([run], calibrate(_reference(kind, threads), clock=clock), clock=clock)[0]


def _reference(kind: str, threads: int) -> Run:
    onnx_file = FORMATS[kind].endswith(FORMATS["onnx"])
    return reference_run("onnxruntime" if onnx_file else "pytorch", threads)


def _run(file: Path, kind: str, task: Task, threads: int) -> Run:
    if FORMATS[kind].endswith(FORMATS["onnx"]):
        return session_run(str(file), task.input_shape, threads)
    if kind == "source":
        return torch_run(source.imported(file).load(), task.input_shape)
    module = torch.export.load(file).module()
    x = torch.zeros(1, *task.input_shape)
    return lambda: module(x)


def _answers(file: Path, kind: str, threads: int) -> Answers:
    if FORMATS[kind].endswith(FORMATS["onnx"]):
        return onnx.answers_of(file, threads)
    loaded: Answers = source.imported(file).load() if kind == "source" else torch.export.load(file).module()
    return loaded


def _facts(pick: Pick) -> Facts:
    sessions = pick.run.sessions
    return Facts(
        retrained=pick.retrained,
        metrics=pick.metrics,
        architecture=pick.text,
        specification=replace(pick.run.spec, out=None).to_toml(),  # where it was kept tells nobody
        seed=pick.run.spec.seed,
        versions=sessions[-1].versions if sessions else {},
        devices=tuple(dict.fromkeys(session.device for session in sessions)),
    )
