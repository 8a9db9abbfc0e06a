"""The training loop."""

import copy
import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from nasturtium.evaluate.augment import Augment
from nasturtium.evaluate.average import Average
from nasturtium.evaluate.batches import Batches
from nasturtium.evaluate.companion import companion, set_drop_rate, with_auxiliary
from nasturtium.evaluate.drop_path import drop_rate
from nasturtium.evaluate.execution import Execution, execution_for
from nasturtium.evaluate.optimizer import clip_gradients, learning_rate, optimizer_for
from nasturtium.evaluate.recipe import Recipe
from nasturtium.space.layers import Network
from nasturtium.tasks.images import Split
from nasturtium.tasks.supervised import Preparation

Progress = Callable[[int, float], None]
Stop = Literal["done", "patience", "time", "diverged"]

# Looking at a loss on a GPU waits for the GPU, so there it is looked at only so often.
_STEPS_BETWEEN_LOOKS = 20
_EVALUATION_BYTES = 32 << 20


@dataclass(frozen=True, slots=True)
class Fit:
    """What came of a training.

    Attributes:
        error: Share of wrong answers on the validation split, 0..1; NaN without one, or after a divergence.
        loss: Mean cross-entropy there, in nats, without label smoothing; likewise NaN.
        train_seconds: Wall-clock time of the training steps, evaluations excluded.
        epochs: Epochs begun.
        images: Training images seen, repeats counted.
        curve: Validation error after every epoch.
        train_losses: Mean training loss of every epoch.
        stop: Why it ended: ``done``, ``patience``, ``time`` (`max_seconds`) or ``diverged`` (loss NaN or
            infinite).
    """

    error: float
    loss: float
    train_seconds: float
    epochs: int
    images: int
    curve: tuple[float, ...]
    train_losses: tuple[float, ...]
    stop: Stop

    @property
    def diverged(self) -> bool:
        """Whether the loss became NaN or infinite."""
        return self.stop == "diverged"


def fit(
    model: nn.Module,
    train: Split,
    valid: Split | None,
    recipe: Recipe,
    *,
    seed: int,
    normalisation: Preparation,
    augment: Augment | None = None,
    epochs: int | None = None,
    progress: Progress | None = None,
    network: Network | None = None,
) -> Fit:
    """Trains `model` in place, for `epochs` epochs under one warm-up and one cosine, and evaluates it.

    On the CPU, with the same seed and the same number of threads, the weights are the same bit for bit.
    Global state (torch's threads and random numbers) is as before when it returns.

    Args:
        model: Plain module from images [batch, channels, height, width] to logits [batch, classes]; or from
            texts [batch, 1, tokens] to [batch, vocabulary, tokens].
        train: Images to train on.
        valid: Images to evaluate on after every epoch; None evaluates nothing and disregards
            `recipe.patience`.
        recipe: The settings.
        seed: Of order, augmentation and dropout; the initial weights are the model's own.
        normalisation: From stored images to network inputs.
        augment: Random changes to the training images; None is none.
        epochs: Overrules `recipe.epochs`; 0 only evaluates.
        progress: Called with (epochs done, validation error or, without a validation split, training loss).
        network: What `model` was built from; `drop_path` and `auxiliary` of the recipe need it.

    Raises:
        ConfigError: The recipe's device is not there, or `network` is missing.
    """
    batch_size = recipe.batch_for(len(train))
    execution = execution_for(model, tuple(train.images.shape[1:]), recipe, batch_size)
    trained = companion(model, network, recipe, seed)
    with execution.active(seed):
        execution.place(trained)
        batches = Batches(
            _placed(train, execution), batch_size, normalisation, augment or Augment(), execution, seed
        )
        held = None if valid is None else _placed(valid, execution)
        run = _Run(
            model,
            trained,
            batches,
            held,
            recipe,
            recipe.epochs if epochs is None else epochs,
            progress,
            optimizer_for(trained, recipe),
            Average(model, recipe.average) if recipe.average else None,
        )
        result = run.train()
        model.eval()
        model.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    return result


def evaluate(
    model: nn.Module, split: Split, normalisation: Preparation, recipe: Recipe
) -> tuple[float, float]:
    """Returns (error, loss) of `model` on `split`: share of wrong answers, mean cross-entropy in nats."""
    execution = execution_for(model, tuple(split.images.shape[1:]), recipe, _evaluation_batch(split))
    with execution.active(0):
        execution.place(model)
        result = _evaluate(model, _placed(split, execution), normalisation, execution)
        model.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    return result


@dataclass(slots=True)
class _Run:
    """The state of one training: of `model`, by `trained`, which is it or its companion."""

    model: nn.Module
    trained: nn.Module
    batches: Batches
    valid: Split | None
    recipe: Recipe
    epochs: int
    progress: Progress | None
    optimizer: torch.optim.Optimizer
    average: Average | None
    step: int = 0
    images: int = 0
    seconds: float = 0.0
    last: tuple[float, float] = (math.nan, math.nan)
    best: tuple[float, float, dict[str, Tensor]] | None = None
    curve: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)

    def train(self) -> Fit:
        stop: Stop = "done"
        if self.epochs == 0:
            self.last = self._validate()
        for epoch in range(self.epochs):
            stop = self._epoch(epoch)
            if stop == "diverged" or not self._note(epoch + 1):
                return self._fit("diverged", (math.nan, math.nan))
            if stop == "done" and self._impatient():
                stop = "patience"
            if stop != "done":
                break
        return self._fit(stop, self._take_best())

    def _epoch(self, epoch: int) -> Stop:
        start = time.perf_counter()
        self.trained.train()
        losses: list[Tensor] = []
        stop: Stop = "done"
        every = 1 if self.batches.execution.device.type == "cpu" else _STEPS_BETWEEN_LOOKS
        for images, labels in self.batches.epoch(epoch):
            losses.append(self._step(images, labels))
            if len(losses) % every == 0 and not _finite(losses[-every:]):
                stop = "diverged"
                break
            limit = self.recipe.max_seconds
            if limit is not None and self.seconds + time.perf_counter() - start > limit:
                stop = "time"
                break
        mean = float(torch.stack(losses).mean())
        self.losses.append(mean)
        self.seconds += time.perf_counter() - start
        return stop if math.isfinite(mean) else "diverged"

    def _step(self, images: Tensor, labels: Tensor) -> Tensor:
        steps = self.epochs * len(self.batches.sizes)
        rate = learning_rate(self.step, steps, self.recipe)
        set_drop_rate(self.trained, drop_rate(self.recipe.drop_path, self.step, steps))
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad(set_to_none=True)
        with self.batches.execution.precision():
            logits, auxiliary = with_auxiliary(self.trained(images))
        loss = self._loss(logits, labels)
        if auxiliary is not None:
            loss = loss + self.recipe.auxiliary * self._loss(auxiliary, labels)
        loss.backward()  # type: ignore[no-untyped-call]
        clip_gradients(self.trained, self.recipe)
        self.optimizer.step()
        if self.average is not None:
            self.average.update()
        self.step += 1
        self.images += len(labels)
        return loss.detach()

    def _loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        return functional.cross_entropy(logits.float(), labels, label_smoothing=self.recipe.label_smoothing)

    def _validate(self) -> tuple[float, float]:
        if self.valid is None:
            return math.nan, math.nan
        with self._kept():
            return _evaluate(self.model, self.valid, self.batches.normalisation, self.batches.execution)

    def _kept(self) -> AbstractContextManager[None]:
        """Lends the model the weights that would be kept now."""
        return nullcontext() if self.average is None else self.average.applied()

    def _note(self, done: int) -> bool:
        """Evaluates after an epoch and reports; False when the network gives no numbers any more."""
        if self.valid is not None:
            self.last = self._validate()
            self.curve.append(self.last[0])
        if self.progress:
            self.progress(done, self.losses[-1] if self.valid is None else self.last[0])
        return self.valid is None or math.isfinite(self.last[1])

    def _impatient(self) -> bool:
        """Remembers the best epoch and says whether it is `patience` epochs ago."""
        if self.recipe.patience is None or self.valid is None:
            return False
        if self.best is None or self.last[0] < self.best[0]:
            with self._kept():
                self.best = (*self.last, copy.deepcopy(self.model.state_dict()))
        since = len(self.curve) - 1 - self.curve.index(min(self.curve))
        return since >= self.recipe.patience and len(self.curve) < self.epochs

    def _take_best(self) -> tuple[float, float]:
        if self.best is None:
            if self.average is not None:
                self.average.take()
            return self.last
        self.model.load_state_dict(self.best[2])
        return self.best[:2]

    def _fit(self, stop: Stop, result: tuple[float, float]) -> Fit:
        error, loss = result
        return Fit(
            error=error,
            loss=loss,
            train_seconds=self.seconds,
            epochs=len(self.losses),
            images=self.images,
            curve=tuple(self.curve),
            train_losses=tuple(self.losses),
            stop=stop,
        )


def _evaluate(
    model: nn.Module, split: Split, normalisation: Preparation, execution: Execution
) -> tuple[float, float]:
    model.eval()
    size = _evaluation_batch(split)
    wrong = torch.zeros((), dtype=torch.int64, device=execution.device)
    total = torch.zeros((), dtype=torch.float64, device=execution.device)
    with torch.inference_mode():
        for images, labels in zip(
            torch.split(split.images, size), torch.split(split.labels, size), strict=True
        ):
            with execution.precision():
                logits = model(normalisation(images, execution.memory_format))
            wrong += (logits.argmax(1) != labels).sum()
            total += functional.cross_entropy(logits.float(), labels, reduction="sum")
    return int(wrong) / split.labels.numel(), float(total) / split.labels.numel()


def _evaluation_batch(split: Split) -> int:
    # A few dozen feature maps of the input's size should fit beside each other.
    return max(64, min(1024, _EVALUATION_BYTES // (32 * 4 * split.images[0].numel())))


def _placed(split: Split, execution: Execution) -> Split:
    return Split(split.images.to(execution.device), split.labels.to(execution.device))


def _finite(losses: list[Tensor]) -> bool:
    return bool(torch.isfinite(torch.stack(losses)).all())
