"""When a supernet is not to be trusted: what was seen, what it means and what to do."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from nasturtium.evaluate.agreement import Agreement
from nasturtium.evaluate.course import Course
from nasturtium.strategy.robust_darts import stopping_place

# Of the steps: an argmax is of random numbers before the one, is early before the other.
BEGUN, EARLY = 0.1, 0.5
NARROW = 0.5  # of the largest entropy
MANY_SKIPS = 0.5
WINDOW, DELTA, FACTOR, LEFT_ALONE = 5, 4, 1.3, 0.2  # Zela et al. 2020, arXiv:1909.09656; 10 of 50 epochs
EXPECTED = 30  # trained points that an option had of fair ones, from which on a lack of them is no chance
RARELY = 0.1  # of what the other options of the decision had
FEWEST_PAIRS = 10  # from which on a rank correlation says something
LEAST_CORRELATION = 0.3
LARGEST_GAP = 0.10

WORDS = {  # what each warning means, and what to do
    "entropy": (
        "What is trained was settled before the weights were, so options that learn slowly had no chance.",
        "Lower the learning rate of the architecture or train weights alone for longer before it (warmup); "
        "DrNAS, DARTS- and FairNAS keep options alive.",
    ),
    "skips": (
        "Skips need no training, so they win while the weights are young, and more so the longer it lasts: "
        "the collapse of DARTS. Such a network is shallow and mostly bad.",
        "Stop and keep what was best before (RobustDARTS does), or search with DrNAS, DARTS- or selection by "
        "perturbation; train the pick alone beside random networks before you rely on it.",
    ),
    "eigenvalue": (
        "The loss is sharp around this mixture: the network that stands for it will do worse than it does, "
        "and a collapse into skip connections is near.",
        "Stop and keep what was best before (RobustDARTS does), or train the weights with more weight decay.",
    ),
    "neglect": (
        "Networks with these options have weights that are hardly trained, and look worse than they are.",
        "Take no low rank of theirs as a verdict; train longer, or with a fair sampler (FairNAS).",
    ),
    "ranks": (
        "The supernet does not tell good networks from bad ones: what it picks is about as good as random.",
        "Train it longer, give the norms more images (recalibration), make the space smaller, or search "
        "without sharing weights.",
    ),
    "gap": (
        "The options of the mixture did well together; what the cut left was not trained to work alone.",
        "Take a method that goes towards single options (GDAS, SNAS, ProxylessNAS) or selection by "
        "perturbation, and judge the pick by its training alone.",
    ),
}


@dataclass(frozen=True, slots=True)
class Alarm:
    """A warning.

    Attributes:
        name: What kind, a key of `WORDS`.
        seen: What was seen, in a sentence.
        step: When it was seen first; None is at the end.
    """

    name: str
    seen: str
    step: int | None = None

    @property
    def meaning(self) -> str:
        """What that means."""
        return WORDS[self.name][0]

    @property
    def advice(self) -> str:
        """What to do."""
        return WORDS[self.name][1]

    def __str__(self) -> str:
        return f"{self.seen} {self.meaning} {self.advice}"


def alarms(course: Course, agreement: Agreement | None = None) -> list[Alarm]:
    """Returns all that there is to warn of, in the order in which it was seen.

    Args:
        course: Of the training, finished or not.
        agreement: Of errors with shared weights and alone; None while nothing is known.
    """
    found = [*_collapse(course), *_skips(course), *_curvature(course)]
    found.sort(key=lambda alarm: alarm.step or 0)
    return [*found, *_neglect(course), *(_disagreement(agreement) if agreement else ())]


def _collapse(course: Course) -> Iterator[Alarm]:
    widest = 0.0  # a training that begins narrow, as progressive shrinking does, has settled nothing
    for step, value in zip(course.steps, course.entropy, strict=True):
        widest = max(widest, value)
        if BEGUN <= step / course.total <= EARLY and value < NARROW <= widest:
            seen = f"{_at(step, course)} the entropy of the options was {value:.2f} of the largest."
            yield Alarm("entropy", seen, step)
            return


def _skips(course: Course) -> Iterator[Alarm]:
    whose = "of the network that would be picked" if course.learned else "that were trained"
    in_a_row = 0
    for step, value in zip(course.steps, course.skips, strict=True):
        in_a_row = in_a_row + 1 if step / course.total >= BEGUN and value >= MANY_SKIPS else 0
        if in_a_row == 2:  # once may be the luck of a draw
            seen = f"{_at(step, course)} skip connections were {value:.0%} of the operations {whose}."
            yield Alarm("skips", seen, step)
            return


def _curvature(course: Course) -> Iterator[Alarm]:
    values = [value for _, value in course.eigenvalues]
    start = sum(step < LEFT_ALONE * course.total for step, _ in course.eigenvalues)
    for number, (step, value) in enumerate(course.eigenvalues, 1):
        if stopping_place(values[:number], WINDOW, DELTA, FACTOR, start) is not None:
            seen = (
                f"{_at(step, course)} the dominant eigenvalue of the Hessian was {value:.3g}: it had risen "
                f"by more than {FACTOR - 1:.0%} within {DELTA} of its values."
            )
            yield Alarm("eigenvalue", seen, step)
            return


def _neglect(course: Course) -> Iterator[Alarm]:
    """Options trained never, or ten times less than the others of their decision."""
    rare = []
    for (path, labels), row in zip(course.decisions, course.counts, strict=True):
        if len(row) < 2 or sum(row) < EXPECTED * len(row):
            continue
        for option, count in enumerate(row):
            others = median([*row[:option], *row[option + 1 :]])
            if count == 0 or count < RARELY * others:
                rare.append(f"{path}={labels[option]} ({count:,} of {sum(row):,})")
    if rare:
        more = f" and {len(rare) - 3} more" if len(rare) > 3 else ""
        what = f"{len(rare)} options were" if len(rare) > 1 else "An option was"
        seen = f"{what} trained never or ten times less than others: {', '.join(rare[:3])}{more}."
        yield Alarm("neglect", seen)


def _disagreement(agreement: Agreement) -> Iterator[Alarm]:
    count, correlation = len(agreement.pairs), agreement.spearman
    if count >= FEWEST_PAIRS and not correlation >= LEAST_CORRELATION:  # NaN ranks nothing either
        value = (
            f"{correlation:.2f}" if math.isfinite(correlation) else "undefined, as one of them never varies"
        )
        seen = f"The rank correlation of errors with shared weights and alone is {value} ({count} networks)."
        yield Alarm("ranks", seen)
    if agreement.gap > LARGEST_GAP:
        points = f"{100 * agreement.gap:.1f} points"
        yield Alarm(
            "gap", f"The network that the mixture stands for errs {points} more than the mixture did."
        )


def standing(course: Course) -> str:
    """Returns how a training stands, in a few words: entropy, skips and eigenvalue at the last look."""
    parts = []
    if course.entropy and math.isfinite(course.entropy[-1]):
        parts.append(f"entropy {course.entropy[-1]:.2f}")
    if course.skips and math.isfinite(course.skips[-1]):
        parts.append(f"skips {course.skips[-1]:.0%}")
    if course.eigenvalues:
        parts.append(f"eigenvalue {course.eigenvalues[-1][1]:.3g}")
    return ", ".join(parts)


def _at(step: int, course: Course) -> str:
    return f"At step {step:,} of {course.total:,}"
