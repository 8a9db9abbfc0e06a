"""The evaluator that trains a supernet: a batch of candidates is one optimiser step."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from nasturtium.architecture import Mixture
from nasturtium.errors import ConfigError, StoreError
from nasturtium.evaluate.augment import Augment
from nasturtium.evaluate.average import Average
from nasturtium.evaluate.batches import Batches
from nasturtium.evaluate.distillation import Distillation
from nasturtium.evaluate.execution import Execution, breaks_channels_last, execution_for
from nasturtium.evaluate.gradient import Gradient, first_order
from nasturtium.evaluate.optimizer import clip_gradients, learning_rate, optimizer_for
from nasturtium.evaluate.ranks import Ranks
from nasturtium.evaluate.recipe import Recipe
from nasturtium.evaluate.weights import read_tensors, write_tensors
from nasturtium.net.build import build
from nasturtium.net.program import Weights
from nasturtium.net.supernet import Point, Supernet
from nasturtium.protocols import Candidate, Trial
from nasturtium.seeds import seed_for
from nasturtium.space import layers as ir
from nasturtium.tasks.images import Split
from nasturtium.tasks.supervised import Supervised

Rewards: TypeAlias = Literal["valid", "train", "same"]


@dataclass(frozen=True, slots=True)
class Pair:
    """A batch of images with their labels, on the device."""

    images: Tensor
    labels: Tensor


class Training:
    """Trains the shared weights of a supernet: the inner time scale of the one loop.

    All paths of one batch of candidates run on one minibatch of the training split; their gradients are
    summed, and the optimiser steps once. A mixture is trained likewise, and then gets the gradient of the
    loss on a minibatch of the *validation* split with respect to its weights (`Trial.gradient`). A
    candidate of fidelity 0 trains nothing and changes no statistics: its loss and error on a minibatch are
    its result, as a controller wants them (ENAS) or a sampler that trains what is best or worst now
    (AttentiveNAS). A mixture of fidelity 1 is trained and gets no gradient (warm-up).

    In a ``torch.distributed`` group every rank trains the same candidates on its part of each minibatch, see
    `ranks`. The learning rate falls by the recipe over all its epochs. On the CPU the same seed and the same
    candidates give the same weights bit for bit, also after `load`.

    Args:
        supernet: Trained in place.
        task: Images; its validation split is used by mixtures and rewards only.
        recipe: Epochs, batch size, optimiser and so on; `patience` and `max_seconds` are not heeded. With
            `average` the supernet gets the average after the last step.
        paths: Candidates of one step.
        seed: Of order, augmentation and dropout.
        gradient: What a mixture's trial carries; see `gradient.first_order` and `gradient.second_order`.
        split: Whether each path of a step has its own part of the minibatch, and so its own statistics in the
            norms (the ghost batches of Bender et al. 2018); else every path has all of it.
        distillation: What all paths of a step but the first learn from; None is labels alone. With a teacher
            of its own, the first path learns from it, too.
        rewards: What candidates of fidelity 0 are seen on: each on the next ``valid`` minibatch, all on the
            ``train`` minibatch of the next step, or all on the ``same`` validation images, not augmented.
        judged: Minibatches of these images.

    Raises:
        ConfigError: Paths with their own parts of the minibatch cannot learn from each other.

    Attributes:
        step: Optimiser steps done.
        steps: Those of the whole recipe.
    """

    def __init__(
        self,
        supernet: Supernet,
        task: Supervised,
        recipe: Recipe,
        *,
        paths: int = 1,
        seed: int = 0,
        gradient: Gradient = first_order,
        split: bool = False,
        distillation: Distillation | None = None,
        rewards: Rewards = "valid",
        judged: int = 1,
    ) -> None:
        if judged < 1:
            raise ConfigError(f"judged is {judged}; candidates must be seen on 1 or more minibatches")
        if split and distillation is not None:
            raise ConfigError("split=True gives each path other images, so none can learn from another")
        self.distillation, self.rewards, self.judged = distillation, rewards, judged
        self.supernet, self.task, self.recipe, self.seed = supernet, task, recipe, seed
        self.paths, self.gradient, self.split = paths, gradient, split
        self.ranks = Ranks()
        batch_size = recipe.batch_for(len(task.train))
        self.execution = _execution(supernet, recipe, batch_size)
        self.execution.place(supernet)
        self.ranks.same(supernet)
        self.optimizer = _optimizer(supernet, recipe)
        self.average = Average(supernet, recipe.average) if recipe.average else None
        self._train = Feed(self._batches(task.train, batch_size, "train"))
        self._valid = Feed(self._batches(task.valid, min(batch_size, len(task.valid)), "valid"))
        self.steps = recipe.epochs * len(self._train.batches.sizes)
        self.step = 0
        self.asked = 0  # batches of candidates so far; those that only want a reward train nothing

    @property
    def slots(self) -> int:
        """The paths of one step."""
        return self.paths

    @property
    def pending(self) -> int:
        """Always 0: a step is done when it returns."""
        return 0

    def evaluate(self, batch: Sequence[Candidate]) -> Iterator[Sequence[Trial]]:
        """Does one step for all candidates together."""
        if not batch:
            return
        self.ranks.check(batch)
        with self.execution.active(seed_for(self.seed, "supernet/step", self.asked)):
            self.asked += 1
            if all(candidate.fidelity == 0 for candidate in batch):
                trials = [self._reward(candidate) for candidate in batch]
            else:
                trials = self._trained(batch)
        yield trials

    def save(self, path: Path, more: dict[str, Tensor]) -> None:
        """Writes all that a later `load` needs to go on exactly, and `more` beside it, as one file.

        Raises:
            StoreError: The folder cannot be written or the disk is full.
        """
        self.ranks.wait()
        if not self.ranks.first:
            return
        tensors = {f"supernet.{name}": value for name, value in self.supernet.state_dict().items()}
        for index, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{name}": torch.as_tensor(value) for name, value in state.items()}
        if self.average is not None:
            tensors |= {f"average.{name}": value for name, value in self.average.state_dict().items()}
        if (teacher := self._teacher) is not None:
            tensors |= {f"teacher.{name}": value for name, value in teacher.state_dict().items()}
        words = {"step": str(self.step), "asked": str(self.asked), "valid": str(self._valid.taken)}
        write_tensors(tensors | {f"more.{name}": value for name, value in more.items()}, path, words)

    def load(self, path: Path) -> dict[str, Tensor]:
        """Goes back to what `save` wrote; returns what was beside it.

        Raises:
            StoreError: The file cannot be read, or is of another supernet or optimiser.
        """
        tensors, words = read_tensors(path)
        groups: dict[str, dict[str, Tensor]] = {"supernet": {}, "optimizer": {}, "more": {}}
        for name, value in tensors.items():
            group, _, rest = name.partition(".")
            groups.setdefault(group, {})[rest] = value
        try:
            self.supernet.load_state_dict(groups["supernet"])
            if self.average is not None:
                self.average.load_state_dict(groups["average"])
            if (teacher := self._teacher) is not None:
                teacher.load_state_dict(groups["teacher"])
            state = self._optimizer_state(groups["optimizer"])
            self.optimizer.load_state_dict(self.optimizer.state_dict() | {"state": state})
            self.step, self.asked = int(words["step"]), int(words["asked"])
            self._train.taken, self._valid.taken = self.step, int(words["valid"])
        except (KeyError, ValueError, RuntimeError, IndexError) as problem:
            raise StoreError(
                f"{path} is no checkpoint of this supernet: {problem}; start in another folder"
            ) from problem
        return groups["more"]

    def _optimizer_state(self, flat: Mapping[str, Tensor]) -> dict[int, dict[str, Tensor]]:
        weights = [one for group in self.optimizer.param_groups for one in group["params"]]
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in flat.items():
            number, _, rest = name.partition(".")
            like = weights[int(number)]
            # A fused step walks weights and momenta alike in memory, whatever their strides say.
            alike = value.shape == like.shape
            placed = torch.empty_like(like, requires_grad=False).copy_(value) if alike else value
            state.setdefault(int(number), {})[rest] = placed
        return state

    def losses(
        self, point: Point, pair: Pair, weights: Weights | None = None, *, smoothing: float = 0.0
    ) -> tuple[Tensor, Tensor]:
        """Returns the loss of a point on this rank's part of a minibatch, and its share of wrong answers.

        Both are scaled so that their means over the ranks are those of the whole minibatch.

        Args:
            point: Path or mixture.
            pair: The whole minibatch.
            weights: Of a mixture, as tensors that want gradients; None takes its own numbers.
            smoothing: Of labels.
        """
        images, labels = self.ranks.part(pair.images, pair.labels)
        logits = self._logits(point, images, weights)
        loss = functional.cross_entropy(logits, labels, label_smoothing=smoothing)
        return self._shared(loss, logits, labels, pair)

    def _logits(self, point: Point, images: Tensor, weights: Weights | None = None) -> Tensor:
        with self.execution.precision():
            logits: Tensor = self.supernet(images, point, weights)
        return logits.float()

    def _shared(self, loss: Tensor, logits: Tensor, labels: Tensor, pair: Pair) -> tuple[Tensor, Tensor]:
        """Scales a loss on this rank's part of a minibatch, and its share of wrong answers."""
        share = self.ranks.share(len(labels), len(pair.labels))
        wrong = (logits.detach().argmax(1) != labels).float().mean()
        return (loss, wrong) if share == 1 else (loss * share, wrong * share)

    def _trained(self, batch: Sequence[Candidate]) -> list[Trial]:
        """Steps once for all, then finds the gradients of mixtures."""
        self.supernet.train()
        rate = learning_rate(self.step, self.steps, self.recipe)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad(set_to_none=True)
        pair = self._train.next()
        parts = parts_of(pair, len(batch)) if self.split else [pair] * len(batch)
        shares = [len(part.labels) / len(pair.labels) for part in parts]
        teacher = self._taught(pair)
        trials = []
        for candidate, part, share in zip(batch, parts, shares, strict=True):
            trial, logits = self._backward(candidate, part, share, teacher)
            trials.append(trial)
            if self.distillation is not None and teacher is None:
                teacher = logits.detach()
        self.ranks.average_gradients(self.supernet)
        if all(trial.status == "ok" for trial in trials):
            clip_gradients(self.supernet, self.recipe)
            self.optimizer.step()
        self.step += 1
        if self.average is not None:
            self.average.update()
            if self.step == self.steps:
                self.average.take()
        return [self._with_gradient(trial) for trial in trials]

    def _backward(
        self, candidate: Candidate, pair: Pair, share: float, teacher: Tensor | None
    ) -> tuple[Trial, Tensor]:
        images, labels = self.ranks.part(pair.images, pair.labels)
        logits, smoothing = self._logits(candidate.point, images), self.recipe.label_smoothing
        if self.distillation is None or teacher is None:
            loss = functional.cross_entropy(logits, labels, label_smoothing=smoothing)
        else:
            loss = self.distillation.loss(logits, teacher, labels, smoothing)
        loss, error = self._shared(loss, logits, labels, pair)
        (loss if share == 1 else loss * share).backward()  # type: ignore[no-untyped-call]
        return self._trial(candidate, loss, error), logits

    def _taught(self, pair: Pair) -> Tensor | None:
        """Returns the answers of a teacher of its own on this rank's part of a minibatch."""
        if (teacher := self._teacher) is None:
            return None
        images, _ = self.ranks.part(pair.images, pair.labels)
        with torch.no_grad(), self.execution.precision():
            logits: Tensor = teacher.eval()(images)
        return logits.float()

    @property
    def _teacher(self) -> nn.Module | None:
        return None if self.distillation is None else self.distillation.teacher

    def _with_gradient(self, trial: Trial) -> Trial:
        candidate = trial.candidate
        if not isinstance(candidate.point, Mixture) or candidate.fidelity == 1 or trial.status != "ok":
            return trial
        found = self.gradient(self, candidate, self._valid.next(), self._train)
        metrics = {"loss": found.loss, "error": found.error, "train_loss": trial.metrics["loss"]}
        return replace(trial, metrics=metrics | dict(found.more), gradient=found.gradient)

    def _reward(self, candidate: Candidate) -> Trial:
        self.supernet.eval()
        match self.rewards:
            case "valid":
                pairs = [self._valid.next()]
            case "train":
                pairs = [self._train.peek()]
            case "same":
                pairs = self._judges
        with torch.no_grad():
            found = [torch.stack(self.losses(candidate.point, pair)) for pair in pairs]
            sizes = torch.tensor([len(pair.labels) for pair in pairs], device=found[0].device)
            loss, error = (torch.stack(found) * (sizes / sizes.sum())[:, None]).sum(0)
            return self._trial(candidate, loss, error)

    @cached_property
    def _judges(self) -> list[Pair]:
        """The first images of the validation split in a random order."""
        size = self._valid.batches.sizes[0]
        batches = self._batches(self.task.valid, size, "judges", augmented=False)
        return [Pair(*one) for one in islice(batches.epoch(0), self.judged)]

    def _trial(self, candidate: Candidate, loss: Tensor, error: Tensor) -> Trial:
        result = torch.stack([loss.detach().float(), error])
        self.ranks.average([result])
        metrics = dict(zip(("loss", "error"), result.tolist(), strict=True))
        if math.isfinite(metrics["loss"]):
            return Trial(candidate, metrics)
        reason = (
            f"the loss is {metrics['loss']:g}, so this step was left out; "
            "a lower learning rate, a longer warm-up or clip_norm may help"
        )
        return Trial(candidate, metrics, status="failed", error=reason)

    def _batches(self, split: Split, batch_size: int, purpose: str, *, augmented: bool = True) -> Batches:
        task, device = self.task, self.execution.device
        placed = Split(split.images.to(device), split.labels.to(device))
        augments = augmented and self.recipe.augment == "task"
        augment = Augment(task.shift, task.flip, self.recipe.cutout) if augments else Augment()
        seed = seed_for(self.seed, f"supernet/{purpose}")
        return Batches(placed, batch_size, task.normalisation, augment, self.execution, seed)


def parts_of(pair: Pair, count: int) -> list[Pair]:
    """Returns a minibatch in `count` parts of nearly equal size.

    Raises:
        ConfigError: A part would have fewer than the two images that a norm needs.
    """
    if len(pair.labels) < 2 * count:
        raise ConfigError(
            f"a minibatch of {len(pair.labels)} images for {count} paths; a path needs 2 or more: take a "
            "larger batch_size or fewer paths"
        )
    return [Pair(pair.images[i::count], pair.labels[i::count]) for i in range(count)]


class Feed:
    """Minibatches one after another, epoch after epoch; goes on anywhere by setting `taken`.

    Attributes:
        batches: Where they come from.
        taken: How many were taken.
    """

    def __init__(self, batches: Batches) -> None:
        self.batches = batches
        self.taken = 0
        self._at = -1  # of the iterator
        self._epoch: Iterator[tuple[Tensor, Tensor]] = iter(())

    def next(self) -> Pair:
        """Takes the next."""
        pair = self.peek()
        self.taken += 1
        return pair

    def peek(self) -> Pair:
        """Returns the next, and leaves it there."""
        if self._at != self.taken:
            epoch, place = divmod(self.taken, len(self.batches.sizes))
            if place == 0 or self._at != self.taken - 1:
                self._epoch = self.batches.epoch(epoch)
                for _ in range(place):
                    next(self._epoch)
            self._pair = Pair(*next(self._epoch))
            self._at = self.taken
        return self._pair


def _optimizer(supernet: Supernet, recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's, with all momenta there from the start: torch's fused steps want all of them or none."""
    optimizer = optimizer_for(supernet, recipe)
    if isinstance(optimizer, torch.optim.SGD) and recipe.momentum:
        for group in optimizer.param_groups:
            for weights in group["params"]:
                optimizer.state[weights]["momentum_buffer"] = torch.zeros_like(weights)
    return optimizer


def _execution(supernet: Supernet, recipe: Recipe, batch_size: int) -> Execution:
    """As for one of its networks, the first, unless another has layers that channels-last breaks."""
    space = supernet.space
    assert space.input_shape is not None
    model = build(space.network(space.unrank(0)), seed=0)
    execution = execution_for(model, space.input_shape, recipe, batch_size)
    narrow = any(
        breaks_channels_last(ir.both(one.kernel), ir.both(one.stride), one.inputs)
        for one in supernet.convolutions
    )
    if recipe.memory_format == "auto" and narrow:
        return replace(execution, memory_format=torch.contiguous_format)
    return execution
