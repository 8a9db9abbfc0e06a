"""The rules of measuring, on a machine whose clock we move ourselves."""

from collections.abc import Callable

import numpy as np
import pytest

from nasturtium.cost.measure import Latency, Plan, Reference, calibrate, clock_for, differ, measure

Speed = Callable[[float], float]  # seconds since start -> how many times slower than at rest


class Machine:
    """A clock that networks move on as they run."""

    def __init__(self, slowness: Speed = lambda now: 1.0, noise: float = 0.0, seed: int = 0) -> None:
        self.now = 0.0
        self.slowness = slowness
        self.noise = noise
        self.rng = np.random.default_rng(seed)
        self.ran: list[str] = []

    def clock(self) -> float:
        return self.now

    def net(self, ms: float, name: str = "net") -> Callable[[], None]:
        def run() -> None:
            self.ran.append(name)
            self.now += ms / 1e3 * self.slowness(self.now) * np.exp(self.noise * self.rng.standard_normal())

        return run


SHORT = Plan(block_ms=0.8)  # for laws that need hundreds of measurements


def latencies(machine: Machine, *times_ms: float, plan: Plan | None = None, seed: int = 0) -> list[Latency]:
    reference = calibrate(machine.net(0.2, "reference"), plan, clock=machine.clock)
    nets = [machine.net(ms, f"net{i}") for i, ms in enumerate(times_ms)]
    return measure(nets, reference, plan, seed=seed, clock=machine.clock)


def test_latency_on_a_quiet_machine_is_the_time_of_a_run() -> None:
    short, long = latencies(Machine(), 0.5, 20.0)
    assert short.median_ms == pytest.approx(0.5)
    assert long.median_ms == pytest.approx(20.0)
    assert short.iqr_ms == pytest.approx(0.0, abs=1e-9)
    assert short.unsteady == 0


def test_a_network_is_run_at_least_thirty_times_and_for_a_minimum_time() -> None:
    short, long = latencies(Machine(), 0.05, 50.0)
    assert long.runs == 30
    assert short.runs * 0.05 >= 0.95 * Plan().repeats * Plan().block_ms


def test_slow_first_runs_are_not_counted() -> None:
    machine = Machine()
    warm = machine.net(1.0)
    runs = 0

    def cold_at_first() -> None:
        nonlocal runs
        runs += 1
        for _ in range(30 if runs < 12 else 1):
            warm()

    reference = calibrate(machine.net(0.2), clock=machine.clock)
    (latency,) = measure([cold_at_first], reference, clock=machine.clock)
    assert latency.median_ms == pytest.approx(1.0)
    assert max(latency.blocks_ms) == pytest.approx(1.0)


def test_rare_interruptions_do_not_move_the_latency() -> None:
    machine = Machine()
    rng = np.random.default_rng(0)
    machine.slowness = lambda now: 50.0 if rng.random() < 0.02 else 1.0
    (latency,) = latencies(machine, 0.5)
    assert latency.median_ms == pytest.approx(0.5)


def test_a_machine_slower_than_at_calibration_is_divided_out() -> None:
    machine = Machine()
    reference = calibrate(machine.net(0.2), clock=machine.clock)
    machine.slowness = lambda now: 1.7
    (latency,) = measure([machine.net(2.0)], reference, clock=machine.clock)
    assert latency.median_ms == pytest.approx(2.0)


def test_calibration_takes_the_machine_at_rest() -> None:
    machine = Machine(lambda now: 1.0 if 0.10 < now < 0.12 else 1.6)
    assert calibrate(machine.net(0.2), clock=machine.clock).nominal_ms == pytest.approx(0.2)


def test_slow_drift_is_divided_out() -> None:
    (latency,) = latencies(Machine(lambda now: 1 + now), 0.5)  # 1 % slower every 10 ms
    assert latency.median_ms == pytest.approx(0.5, rel=0.02)
    assert latency.unsteady == 0


def test_networks_beside_each_other_tell_of_the_machine_where_the_reference_scatters() -> None:
    def ratio(seed: int) -> float:
        noise = np.random.default_rng(seed)
        machine = Machine(lambda now: 1 + 0.4 * np.sin(11 * now))

        def unsteady() -> None:
            machine.net(0.2 * np.exp(0.3 * noise.standard_normal()), "reference")()

        plan = Plan(block_runs=1, block_ms=0.2, tolerance=np.inf, reference_every=6)
        nets = [machine.net(0.5 + 0.1 * i) for i in range(6)]
        made = measure(nets, Reference(unsteady, 0.2), plan, seed=seed, clock=machine.clock)
        return made[0].median_ms / made[-1].median_ms

    # Divided by the reference alone the ratio scatters by 0.3 / sqrt(2) / sqrt(10) and more.
    assert np.std([ratio(seed) for seed in range(20)]) < 0.02


def test_a_block_during_which_the_machine_changed_is_measured_again() -> None:
    machine = Machine()
    reference = calibrate(machine.net(0.2), clock=machine.clock)
    start = machine.now
    machine.slowness = lambda now: 1.0 if now < start + 0.05 else 1.5
    (latency,) = measure([machine.net(0.5)], reference, clock=machine.clock)
    assert latency.unsteady == 0
    assert latency.blocks_ms == pytest.approx([0.5] * Plan().repeats)


def test_measuring_ends_on_a_machine_that_never_rests_and_says_so() -> None:
    machine = Machine()
    rng = np.random.default_rng(0)
    machine.slowness = lambda now: 1 + 0.5 * np.sin(1000 * now) + 0.2 * rng.random()
    (latency,) = latencies(machine, 0.5)
    assert len(latency.blocks_ms) == Plan().repeats
    assert latency.unsteady > 0


def test_the_reference_runs_between_every_few_networks() -> None:
    machine = Machine()
    latencies(machine, *[0.5] * 10, plan=Plan(reference_every=4))
    order = [name for name, before in zip(machine.ran, ["", *machine.ran], strict=False) if name != before]
    gaps = np.diff([i for i, name in enumerate(order) if name == "reference"])
    assert gaps[1:].max() <= 5


def test_networks_come_in_a_new_order_each_repeat_decided_by_the_seed() -> None:
    def order(seed: int) -> list[str]:
        machine = Machine()
        latencies(machine, *[0.5] * 6, seed=seed)
        return [name for name in machine.ran if name != "reference"][-6 * Plan().repeats * 5 :]

    assert order(0) == order(0)
    assert order(0) != order(1)


def test_collections_of_garbage_are_off_while_measuring_and_on_again_after() -> None:
    import gc

    machine = Machine()
    seen = []
    reference = calibrate(machine.net(0.2), clock=machine.clock)
    measure([lambda: seen.append(gc.isenabled()) or machine.net(0.5)()], reference, clock=machine.clock)
    assert not any(seen)
    assert gc.isenabled()


@pytest.mark.parametrize("noise", [0.01, 0.1, 0.3])
def test_the_same_network_under_two_names_differs_in_at_most_five_of_a_hundred(noise: float) -> None:
    def found(seed: int) -> bool:
        machine = Machine(lambda now: 1 + 0.1 * np.sin(7 * now), noise, seed)
        reference = Reference(machine.net(0.2), 0.2)
        (first,) = measure([machine.net(0.5)], reference, SHORT, seed=seed, clock=machine.clock)
        (second,) = measure([machine.net(0.5)], reference, SHORT, seed=seed + 1000, clock=machine.clock)
        return differ(first, second)

    assert sum(found(seed) for seed in range(100)) <= 5


def test_a_network_a_quarter_slower_is_told_apart_under_noise() -> None:
    def found(seed: int) -> bool:
        m = Machine(noise=0.1, seed=seed)
        return differ(*measure([m.net(0.5), m.net(0.625)], Reference(m.net(0.2), 0.2), clock=m.clock))

    assert sum(found(seed) for seed in range(40)) >= 38


def test_the_spread_foretells_how_the_latency_varies_between_measurements() -> None:
    machines = [Machine(noise=0.2, seed=seed) for seed in range(60)]
    made = [measure([m.net(0.5)], Reference(m.net(0.2), 0.2), SHORT, clock=m.clock)[0] for m in machines]
    scatter = np.std([one.median_ms for one in made])
    assert 0.6 < np.mean([one.spread_ms for one in made]) / scatter < 1.7


def test_differ_is_symmetric_and_blind_to_less_than_a_percent() -> None:
    a, b, c = Latency((1.0, 1.0, 1.0), 30), Latency((1.009,) * 3, 30), Latency((1.02,) * 3, 30)
    assert not differ(a, b)
    assert not differ(b, a)
    assert differ(a, c)
    assert differ(c, a)
    assert not differ(Latency((1.0,), 3), Latency((9.0,), 3))  # one repeat says nothing of the spread


def test_one_thread_is_timed_by_its_processor_time() -> None:
    import time

    assert clock_for(1) is time.thread_time
    assert clock_for(2) is time.perf_counter


def test_a_latency_taken_on_a_slowed_machine_is_trusted_less() -> None:
    machine = Machine()
    reference = calibrate(machine.net(0.2), clock=machine.clock)
    (calm,) = measure([machine.net(2.0)], reference, clock=machine.clock)
    machine.slowness = lambda now: 2.0
    (slowed,) = measure([machine.net(2.0)], reference, clock=machine.clock)
    assert calm.drift == pytest.approx(1.0)
    assert slowed.drift == pytest.approx(2.0)
    assert slowed.spread_ms > 0.04 * slowed.median_ms > calm.spread_ms
