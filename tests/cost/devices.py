"""A device that is a formula: what a network has to do, and how fast the device does each."""

from collections.abc import Mapping, Sequence

from nasturtium.architecture import Architecture
from nasturtium.cost.device import Device
from nasturtium.cost.measure import Latency
from nasturtium.cost.work import Work
from nasturtium.seeds import rng_for
from nasturtium.space import blocks as b
from nasturtium.space.choice import choice
from nasturtium.space.space import Space

SPEEDS = {"layers": 0.01, "macs": 0.5, "values": 0.002}  # ms per layer, million, thousand


def chain() -> Space:
    """A chain of three blocks, each with a width, a kernel and an expansion."""
    block = b.inverted_residual(choice(8, 12, 16), kernel=choice(3, 5), expand=choice(2, 4))
    return Space(b.conv(8), b.repeat(block, choice(2, 3)), b.classifier(), name="chain").bind((3, 8, 8), 10)


class Formula:
    """Measures by a formula: milliseconds per unit of work, with noise.

    Args:
        space: Of the networks.
        speeds: Of what is counted, such as ``macs``, or of one operation: ``conv1 macs``.
        noise: Standard deviation of the logarithm.
    """

    def __init__(
        self, space: Space, speeds: Mapping[str, float] | None = None, noise: float = 0.0, name: str = "f"
    ) -> None:
        self.device = Device(name, 1, 1, "none", "none", "formula")
        self.batch = 1
        self.work, self.speeds, self.noise, self.measured = Work(space), speeds or SPEEDS, noise, 0

    def ms(self, architecture: Architecture) -> float:
        total = 0.05
        for kind, times in self.work.kinds(architecture).items():
            for name, amount in self.work.known[kind].items():
                if "@" not in name:
                    total += times * amount * self.speeds.get(name, self.speeds.get(name.split()[-1], 0.0))
        return total

    def measure(self, architectures: Sequence[Architecture], name: str) -> list[Latency]:
        found = []
        for one in architectures:
            self.measured += 1
            draw = rng_for(0, self.device.cpu, self.measured).standard_normal()
            found.append(Latency((self.ms(one) * float(2.718 ** (self.noise * draw)),) * 3, 30))
        return found
