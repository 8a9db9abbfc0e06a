"""The settings of one training."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, Self

from nasturtium.errors import ConfigError, unknown

_CHOICES = {
    "optimizer": ("sgd", "adamw"),
    "augment": ("task", "none"),
    "precision": ("auto", "float32", "bfloat16"),
    "memory_format": ("auto", "contiguous", "channels_last"),
}
_LEAST = {"epochs": 1, "batch_size": 2, "cutout": 0, "patience": 1, "threads": 1}


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a network is trained: one record of plain values, so that it can be written to and read from TOML.

    Attributes:
        epochs: Passes over the training images at full fidelity.
        batch_size: Images per step, 2 or more (batch normalisation has no variance over one). None is the
            power of two that gives an epoch 32 steps, within 16..128: few steps leave a small data set
            untrained.
        optimizer: ``sgd`` or ``adamw`` (Loshchilov and Hutter 2019).
        lr: Peak learning rate; None is 0.2 for sgd and 0.005 for adamw.
        weight_decay: Decay of convolution and linear weights; norms and biases have none. None is 5e-4 for
            sgd and 0.05 for adamw.
        momentum: Of sgd.
        nesterov: Whether that is Nesterov's momentum (Sutskever et al. 2013), or the plain one.
        warmup: Share of all steps over which the learning rate rises linearly; the rest is a cosine to 0.
        floor: Share of the peak to which the cosine falls, rather than to 0; 1 is constant after the warm-up.
        label_smoothing: Share of the target spread over all classes (Szegedy et al. 2016).
        augment: ``task`` for the shifts and flips that suit the data, ``none`` for none.
        cutout: Side in pixels of a black square in every training image (DeVries and Taylor 2017); 0 is off.
        drop_path: Share of the images for which a path of a sum is dropped at the end of the training, see
            `drop_path.py`; it grows from 0. 0 is off.
        auxiliary: Weight in the loss of a second classifier in the middle of the network, for the training
            alone (Szegedy et al. 2015, arXiv:1409.4842; 0.4 in NASNet and DARTS), see `auxiliary.py`; 0 is
            off.
        clip_norm: Largest norm of the gradient (Pascanu et al. 2013); None does not clip.
        clip_value: Largest absolute value of any entry of the gradient; None does not clip.
        average: Decay of a moving average of the weights, which is what is evaluated and kept (Szegedy et al.
            2016), such as 0.999; 0 keeps the last weights.
        patience: Stops after so many epochs without a lower validation error, and goes back to the best; None
            trains all epochs and keeps the last weights, as suits an annealed learning rate.
        max_seconds: Stops a training that runs longer, after the step in hand. The result then depends on the
            machine's speed. None is no limit.
        precision: ``auto`` computes in bfloat16 where the device has instructions for it, and in float32
            elsewhere.
        device: ``auto`` takes a CUDA device when there is one.
        memory_format: ``auto`` decides by the network, see `execution.py`.
        threads: CPU threads; None decides by the network, see `execution.py`.

    Raises:
        ConfigError: A value that makes no sense.
    """

    epochs: int = 10
    batch_size: int | None = None
    optimizer: Literal["sgd", "adamw"] = "sgd"
    lr: float | None = None
    weight_decay: float | None = None
    momentum: float = 0.9
    nesterov: bool = True
    warmup: float = 0.15
    floor: float = 0.0
    label_smoothing: float = 0.1
    augment: Literal["task", "none"] = "task"
    cutout: int = 0
    drop_path: float = 0.0
    auxiliary: float = 0.0
    clip_norm: float | None = None
    clip_value: float | None = None
    average: float = 0.0
    patience: int | None = None
    max_seconds: float | None = None
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    device: str = "auto"
    memory_format: Literal["auto", "contiguous", "channels_last"] = "auto"
    threads: int | None = None

    def __post_init__(self) -> None:
        for name, known in _CHOICES.items():
            if getattr(self, name) not in known:
                raise ConfigError(
                    f"recipe: {name} is {getattr(self, name)!r}; it must be one of {', '.join(known)}"
                )
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if value is not None and value < least:
                raise ConfigError(f"recipe: {name} is {value}; it must be {least} or more")
        self._check_numbers()

    def _check_numbers(self) -> None:
        for name in ("lr", "clip_norm", "clip_value", "max_seconds"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ConfigError(f"recipe: {name} is {value}; it must be positive")
        for name in ("momentum", "warmup", "label_smoothing", "drop_path", "average"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(
                    f"recipe: {name} is {getattr(self, name)}; it must be 0 or more and below 1"
                )
        if not 0 <= self.floor <= 1:
            raise ConfigError(f"recipe: floor is {self.floor}; it must be 0 or more and at most 1")
        for name in ("weight_decay", "auxiliary"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < math.inf:
                raise ConfigError(f"recipe: {name} is {value}; it must be 0 or more")

    @property
    def peak_lr(self) -> float:
        """The learning rate after the warm-up, `lr` or the optimiser's default."""
        if self.lr is not None:
            return self.lr
        return 0.2 if self.optimizer == "sgd" else 0.005

    @property
    def decay(self) -> float:
        """The weight decay, `weight_decay` or the optimiser's default."""
        if self.weight_decay is not None:
            return self.weight_decay
        return 5e-4 if self.optimizer == "sgd" else 0.05

    def batch_for(self, images: int) -> int:
        """Returns the batch size for a training split of so many images, `batch_size` or the default."""
        if self.batch_size is not None:
            return self.batch_size
        return max(16, min(128, 1 << max(0, (images // 32).bit_length() - 1)))

    def with_settings(self, settings: Mapping[str, Any]) -> Self:
        """Returns the recipe with some of its fields replaced, by name: what a joint space decided.

        Raises:
            UnknownName: A setting that no recipe has.
            ConfigError: A value that makes no sense.
        """
        known = [one.name for one in fields(self)]
        for name in settings:
            if name not in known:
                raise unknown("setting", name, known, where="a recipe of a training has no such field")
        try:
            return replace(self, **settings)
        except TypeError as error:
            raise ConfigError(f"recipe: {dict(settings)} makes no sense: {error}") from error
