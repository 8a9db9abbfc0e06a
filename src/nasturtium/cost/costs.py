"""All that an architecture costs, counted and measured, behind one cost model."""

from collections.abc import Iterable, Sequence
from time import perf_counter
from typing import Protocol

from nasturtium.architecture import Architecture
from nasturtium.cost.device import gpu_uuid, this_device
from nasturtium.cost.energy import Counter, energy_counter, gpu_counter, measure_energy
from nasturtium.cost.footprint import FromShapes
from nasturtium.cost.measure import Clock, Latency, Plan, Reference, calibrate, clock_for, measure
from nasturtium.errors import ConfigError, ShapeError, unknown
from nasturtium.space.space import Space

LATENCIES = ("latency_ms", "latency_onnx_ms")
MEASURED = (*LATENCIES, "energy_mj")
REFERENCE = "reference-mobile"  # where the cache keeps what it takes; another one needs another name


class CostCache(Protocol):
    """Keeps measured costs, so that a resumed search sees the values that it saw before."""

    def get(self, device: str, canonical: str, metric: str) -> float | None:
        """Returns the value put first, None where none was."""
        ...

    def put(self, device: str, canonical: str, metric: str, value: float, spread: float) -> None:
        """Keeps a value, with its spread in the same unit."""
        ...


class MemoryCache:
    """A cache that lasts as long as the process."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str, str], tuple[float, float]] = {}

    def get(self, device: str, canonical: str, metric: str) -> float | None:
        """Returns the value put first, None where none was."""
        row = self.rows.get((device, canonical, metric))
        return None if row is None else row[0]

    def put(self, device: str, canonical: str, metric: str, value: float, spread: float) -> None:
        """Keeps a value unless there is one."""
        self.rows.setdefault((device, canonical, metric), (value, spread))


class Measured:
    """Measures the architectures of one space on this machine, each network once.

    ``latency_ms`` is PyTorch's, ``latency_onnx_ms`` onnxruntime's: milliseconds for one input, or for a batch
    of several, in eval mode, batch normalisation folded, on `threads` threads; `cost.runtime` says the rest.
    ``energy_mj`` is PyTorch's energy for the same, in millijoules, where the machine can tell. Networks that
    the space knows to be equal share one value, and so do the two of a cell written in two ways.

    Args:
        space: Bound to the shapes of a task.
        cache: Where values are kept; a run's journal, for one that is resumed. None keeps them in this
            object.
        threads: Threads that a network runs on. One is the most steady, and what a small network is fastest
            on.
        plan: How much to measure.
        batch: Inputs that a run takes at once.
        place: ``cpu``, or ``cuda`` for PyTorch on an NVIDIA GPU.

    Raises:
        ShapeError: The space is not bound.
        ConfigError: A batch of none, or there is no such GPU.
    """

    names = frozenset(MEASURED)

    def __init__(
        self,
        space: Space,
        cache: CostCache | None = None,
        *,
        threads: int = 1,
        plan: Plan | None = None,
        batch: int = 1,
        place: str = "cpu",
    ) -> None:
        if batch < 1:
            raise ConfigError(f"a batch of {batch} inputs; it must be 1 or more")
        if space.input_shape is None:
            raise ShapeError(
                f"{space.name} does not know its input: say space.bind(input_shape=(3, 32, 32), outputs=10)"
            )
        self.space = space
        self.cache = cache if cache is not None else MemoryCache()
        self.threads, self.batch, self.place = threads, batch, place
        self.plan = plan or Plan()
        self.device = this_device(threads, place)
        self._references: dict[str, Reference] = {}  # by metric
        # The space's digest leaves out what a task decides, and one cache may serve several tasks.
        several = "" if batch == 1 else f"-batch{batch}"
        self._suffix = f"/{'x'.join(map(str, space.input_shape))}-{space.outputs}{several}"

    def __call__(self, architecture: Architecture, names: Iterable[str] = LATENCIES) -> dict[str, float]:
        """Returns the metrics called `names`, measured unless the cache has them.

        Raises:
            UnknownName: A metric that is not measured.
            ConfigError: onnxruntime is asked for and not installed, or energy where it cannot be read.
        """
        return {name: self._value(architecture, name) for name in names}

    def measure(self, architectures: Sequence[Architecture], name: str = "latency_ms") -> list[Latency]:
        """Measures architectures beside each other in random order, without looking into the cache."""
        from nasturtium.cost import runtime
        from nasturtium.net.build import build

        if name not in LATENCIES:
            raise unknown("latency", name, LATENCIES)
        if name != "latency_ms" and self.place != "cpu":
            raise ConfigError(f"{name} is measured on the cpu only, not on {self.place}")
        networks = [self.space.network(one) for one in architectures]
        with runtime.fixed_threads(self.threads):
            runs = [
                runtime.torch_run(build(network, seed=0), network.input_shape, self.batch, self.place)
                if name == "latency_ms"
                else runtime.onnx_run(build(network, seed=0), network.input_shape, self.threads, self.batch)
                for network in networks
            ]
            return measure(runs, self._reference(name), self.plan, clock=self._clock)

    def _value(self, architecture: Architecture, name: str) -> float:
        if name not in self.names:
            raise unknown("measured cost", name, MEASURED)
        key = self.space.canonical(architecture) + self._suffix
        kept = self.cache.get(self.device.fingerprint, key, name)
        if kept is not None:
            return kept
        if name == "energy_mj":
            return self._keep(key, name, *self._energy(architecture))
        (latency,) = self.measure([architecture], name)
        return self._keep(key, name, latency.median_ms, latency.spread_ms)

    def _energy(self, architecture: Architecture) -> tuple[float, float]:
        from nasturtium.cost import runtime
        from nasturtium.net.build import build

        counter: Counter = energy_counter() if self.place == "cpu" else gpu_counter(gpu_uuid())
        network = self.space.network(architecture)
        with runtime.fixed_threads(self.threads):
            run = runtime.torch_run(build(network, seed=0), network.input_shape, self.batch, self.place)
            return measure_energy(run, counter)

    @property
    def _clock(self) -> Clock:
        # While a GPU works its host may sleep, which the time of a thread leaves out.
        return clock_for(self.threads) if self.place == "cpu" else perf_counter

    def _reference(self, name: str) -> Reference:
        """Returns a runtime's reference, its time from the cache: all sessions of a run share one scale."""
        if name not in self._references:
            from nasturtium.cost.runtime import reference_run

            run = reference_run(
                "pytorch" if name == "latency_ms" else "onnxruntime", self.threads, self.place
            )
            nominal_ms = self.cache.get(self.device.fingerprint, REFERENCE, name)
            if nominal_ms is None:
                found = calibrate(run, self.plan, clock=self._clock).nominal_ms
                nominal_ms = self._keep(REFERENCE, name, found, 0.0)
            self._references[name] = Reference(run, nominal_ms)
        return self._references[name]

    def _keep(self, key: str, name: str, value: float, spread: float) -> float:
        """Returns what the cache then holds: another process may have been first."""
        self.cache.put(self.device.fingerprint, key, name, value, spread)
        kept = self.cache.get(self.device.fingerprint, key, name)
        return value if kept is None else kept


class Costs:
    """Counted and measured costs of the architectures of one space, as one cost model.

    Args:
        space: Bound to the shapes of a task.
        cache: Where measured values are kept.
        threads: Threads that a network runs on while it is measured.
        plan: How much to measure.
    """

    names = FromShapes.names | Measured.names

    def __init__(
        self, space: Space, cache: CostCache | None = None, *, threads: int = 1, plan: Plan | None = None
    ) -> None:
        self.counted = FromShapes(space)
        self.measured = Measured(space, cache, threads=threads, plan=plan)

    def __call__(self, architecture: Architecture, names: Iterable[str]) -> dict[str, float]:
        """Returns the metrics called `names`, in that order.

        Raises:
            UnknownName: A metric that is neither counted nor measured.
            ConfigError: ``latency_onnx_ms`` is asked for and onnxruntime is not installed.
        """
        wanted = tuple(names)
        for name in wanted:
            if name not in self.names:
                raise unknown("cost metric", name, self.names)
        found = self.counted(architecture, [name for name in wanted if name in self.counted.names])
        found |= self.measured(architecture, [name for name in wanted if name in self.measured.names])
        return {name: found[name] for name in wanted}
