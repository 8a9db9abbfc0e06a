"""Zero-cost proxies: what an untrained network and one batch say of how good it will be.

A proxy is a function of a plain module, images [n, channels, height, width] and labels [n] that returns a
number; high is good, as published. It works on a copy: weights, buffers, mode, hooks and random numbers are
as before when it returns. Dropout is off.
"""

from collections.abc import Callable
from typing import TypeAlias

from torch import Tensor, nn

ProxyFunction: TypeAlias = Callable[[nn.Module, Tensor, Tensor], float]
