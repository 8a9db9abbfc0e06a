"""The model card: what a stranger must know before using an exported network."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nasturtium.cost.measure import Latency
from nasturtium.export.normalisation import normalisation
from nasturtium.export.replaced import replaced
from nasturtium.protocols import Task
from nasturtium.run.retrained import Retrained

USE = {
    ".onnx": 'logits = onnxruntime.InferenceSession("{file}").run(None, {{"input": x}})[0]',
    ".pt2": 'logits = torch.export.load("{file}").module()(x)',
    ".py": "from {stem} import load, preprocess\n\nlogits = load()(preprocess(images))",
}
QUALITIES = {"error", "loss", "train_seconds", "epochs"}  # the metrics of a trial that are not costs


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a network beside its weights.

    Attributes:
        retrained: What its final trainings gave on the test split; None where it was not trained again.
        metrics: What the search found out about it, on the validation split.
        architecture: Its options, as text.
        specification: The search that found it, as the TOML file that repeats it.
        seed: Of that search.
        versions: Name to version of what it was made with.
        devices: What it was searched and trained on.
    """

    retrained: Retrained | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    architecture: str = ""
    specification: str = ""
    seed: int | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    devices: tuple[str, ...] = ()


def write(
    path: Path, artifact: Path, task: Task, facts: Facts, *, latency: Latency | None = None, device: str = ""
) -> None:
    """Writes the card of `artifact`.

    Args:
        path: Of the card, a Markdown file.
        artifact: The exported file.
        task: What it was trained for.
        facts: Its history; empty where nothing is known, which the card then says.
        latency: Of the artefact itself.
        device: What that was measured on, in words.

    Raises:
        ExportError: The file cannot be written.
    """
    sections = {
        f"A network for {task.name}": _use(artifact, task),
        "Accuracy": _accuracy(task, facts),
        "Costs": _costs(artifact, facts, latency, device),
        "Data": _data(task),
        "How it was made": _making(facts),
        "Limitations": _limitations(task, facts),
    }
    text = "\n\n".join(
        f"{'##' if i else '#'} {title}\n\n{body}" for i, (title, body) in enumerate(sections.items())
    )
    with replaced(path) as (file,):
        file.write_text(text + "\n", encoding="utf-8")


def _use(artifact: Path, task: Task) -> str:
    shape = ", ".join(map(str, task.input_shape))
    example = USE[artifact.suffix].format(file=artifact.name, stem=artifact.stem)
    return (
        f"Image classifier with {task.outputs} classes, in `{artifact.name}`.\n\n"
        f"- Input: float32, [batch, {shape}]; any batch.\n"
        f"- Normalisation: {normalisation(task) or 'not known'}. The file takes the result, not raw images.\n"
        f"- Output: logits, [batch, {task.outputs}]; softmax over the last dimension gives shares.\n\n"
        f"```python\n{example}\n```"
    )


def _accuracy(task: Task, facts: Facts) -> str:
    if facts.retrained and facts.retrained.errors:
        return _retrained(task, facts.retrained)
    if "error" in facts.metrics:
        return (
            f"Validation accuracy {1 - facts.metrics['error']:.2%}. The search chose the network by this, so "
            "it is too good; the test split was not touched."
        )
    return "Not known: the network was exported without the run that made it."


def _retrained(task: Task, retrained: Retrained) -> str:
    errors = retrained.errors
    images = task.describe().get("images", {}).get("test")
    where = f"the {images:,} test images" if images else "the test split"
    lines = [f"Test accuracy **{1 - retrained.mean:.2%}** on {where}, mean of {len(errors)} training(s)."]
    if retrained.interval:
        low, high = retrained.interval
        lines.append(
            f"95 % confidence interval over trainings: {1 - high:.2%} to {1 - low:.2%} (Student's t, "
            f"{len(errors)} seeds)."
        )
    else:
        lines.append(
            "No confidence interval: one training does not show how much accuracy varies with the seed."
        )
    lines.append(f"The weights in this file are those of the first training: {1 - errors[0]:.2%}.")
    return " ".join(lines)


def _costs(artifact: Path, facts: Facts, latency: Latency | None, device: str) -> str:
    rows = [
        (
            "size of the file" if artifact.suffix != ".py" else "size of the weights",
            f"{_bytes(artifact):,} bytes",
        )
    ]
    if latency:
        rows.append(
            ("latency of this file", f"{latency.median_ms:.4g} ms +- {latency.spread_ms:.2g} ms, batch 1")
        )
    rows += [
        (name, f"{value:,.6g}") for name, value in sorted(facts.metrics.items()) if name not in QUALITIES
    ]
    table = "\n".join(f"| {name} | {value} |" for name, value in rows)
    measured = (
        f"\n\nThe file was measured on: {device}. Other values are those of the search." if latency else ""
    )
    return f"| cost | value |\n|---|---|\n{table}{measured}"


def _bytes(artifact: Path) -> int:
    weights = artifact.with_suffix(".safetensors") if artifact.suffix == ".py" else artifact
    return weights.stat().st_size


def _data(task: Task) -> str:
    said: dict[str, Any] = task.describe()
    return "\n".join(f"- {name.replace('_', ' ')}: {_said(value)}" for name, value in said.items())


def _said(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_said(one)}" for name, one in value.items())
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        shown = ", ".join(map(_said, value[:20]))
        return shown if len(value) <= 20 else f"{shown}, and {len(value) - 20} more"
    return str(value) if value not in (None, "") else "not known"


def _making(facts: Facts) -> str:
    return "\n\n".join(_made(facts)) or "Not known: the network was exported without the run that made it."


def _made(facts: Facts) -> Iterator[str]:
    if facts.specification:
        yield (
            "Found by `nasturtium search search.toml`, with this `search.toml`"
            f" (seed {facts.seed}):\n\n```toml\n{facts.specification.strip()}\n```"
        )
    if facts.architecture:
        yield f"Architecture:\n\n```\n{facts.architecture.strip()}\n```"
    if facts.versions:
        yield "Versions: " + ", ".join(f"{name} {version}" for name, version in facts.versions.items()) + "."
    if facts.devices:
        yield "Searched and trained on: " + "; ".join(facts.devices) + "."


def _limitations(task: Task, facts: Facts) -> str:
    lines = [
        f"It names one of its {task.outputs} classes for every input, also for images of none of them.",
        f"Its accuracy holds for images like those of {task.name}, prepared in the same way.",
        "Softmax shares are not calibrated probabilities.",
        "A latency holds for the device that it was measured on; another may rank networks differently.",
    ]
    errors = facts.retrained.errors if facts.retrained else ()
    if errors and math.isclose(min(errors), 0.0):
        lines.append(
            "No test image was wrong: the test split is too easy or too small to tell how good it is."
        )
    return "\n".join(f"- {line}" for line in lines)
