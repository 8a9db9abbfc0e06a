"""What a page says of a supernet: how its training went, and how far it can be trusted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from nasturtium.evaluate.agreement import Agreement
from nasturtium.evaluate.alarms import FEWEST_PAIRS, Alarm, alarms
from nasturtium.evaluate.course import Course
from nasturtium.report.parts import Plot, plot

CALM = "The monitor has nothing to warn of."


@dataclass(frozen=True, slots=True)
class Supernet:
    """The supernet of a run, as its monitor saw it.

    Attributes:
        course: Of its training, as far as that went.
        agreement: Of errors with its weights and alone.
    """

    course: Course
    agreement: Agreement

    @property
    def alarms(self) -> list[Alarm]:
        """What there is to warn of."""
        return alarms(self.course, self.agreement)


@dataclass(frozen=True, slots=True)
class Section:
    """The section of a page about a supernet.

    Attributes:
        sentences: How far it can be trusted.
        alarms: Warnings.
        plots: Series of its training, training per option, and both errors.
    """

    sentences: tuple[str, ...]
    alarms: tuple[Alarm, ...]
    plots: tuple[Plot, ...]


def section(supernet: Supernet | None) -> Section | None:
    """Returns what there is to say; None of a run without a supernet."""
    if supernet is None:
        return None
    course, warnings = supernet.course, supernet.alarms
    known = [_trained(course), _ranks(supernet.agreement), _gap(supernet.agreement)]
    sentences = [sentence for sentence in known if sentence]
    if not warnings:
        sentences.append(CALM)
    return Section(tuple(sentences), tuple(warnings), tuple(_plots(supernet, warnings)))


def _plots(supernet: Supernet, warnings: Sequence[Alarm]) -> list[Plot]:
    from nasturtium.report import supernet_plots as draw

    course = supernet.course
    if not course.steps:
        return []
    found = [plot("supernet-loss", "Training loss, the mean between two looks.", draw.loss(course))]
    found.append(plot("supernet-shares", _shares_caption(course), draw.shares(course, warnings)))
    if course.eigenvalues:
        caption = (
            "Dominant eigenvalue of the Hessian of the validation loss with respect to the architecture: "
            "where it rises, a collapse is near."
        )
        found.append(plot("supernet-eigenvalue", caption, draw.eigenvalue(course, warnings)))
    if any(len(row) > 1 and sum(row) for row in course.counts):
        caption = (
            "How often each option was trained, as multiples of an equal share of its decision. Under the "
            "dotted line, a tenth of it, its weights are hardly trained."
        )
        found.append(plot("supernet-counts", caption, draw.counts(course)))
    if supernet.agreement.pairs:
        caption = (
            "Each dot is a network: its validation error with shared weights and alone. The more they rise "
            "together, the better the supernet knows which networks are good; how far apart the two errors "
            "are does not matter."
        )
        found.append(plot("supernet-ranks", caption, draw.ranks(supernet.agreement)))
    return found


def _trained(course: Course) -> str:
    done = course.steps[-1] if course.steps else 0
    if done < course.total:
        how = ", where its method stopped" if course.ended else " so far"
        return f"It was trained for {done:,} of {course.total:,} steps{how}."
    return f"It was trained for {course.total:,} steps."


def _ranks(agreement: Agreement) -> str:
    count = len(agreement.pairs)
    if not count:
        return "No network has an error both with shared weights and alone yet."
    whose = "of random search" if agreement.random else "that it chose"
    if math.isnan(agreement.spearman) or count < FEWEST_PAIRS:
        few = f"Only {count} networks {whose} have" if count > 1 else f"Only one network {whose} has"
        return (
            f"{few} an error both with shared weights and alone: too few to say whether it ranks them right."
        )
    sentence = (
        f"Over {count} networks {whose}, the rank correlation (Spearman) of errors with shared weights and "
        f"alone is {agreement.spearman:.2f}; 1 is the same order, 0 is none."
    )
    if not agreement.random:
        sentence += " They are its best, which are hard to tell apart; a random-search baseline says more."
    return sentence


def _gap(agreement: Agreement) -> str:
    if math.isnan(agreement.gap):
        return ""
    return (
        f"The mixture erred {agreement.mixture:.1%} on validation images, the network that it stands for "
        f"{agreement.discrete:.1%} with the same weights."
    )


def _shares_caption(course: Course) -> str:
    whose = "in the network that would be picked" if course.learned else "among what was trained"
    caption = (
        "Entropy of the options, 1 where all are alike and 0 where each decision is settled; a sample of 50 "
        "random paths comes to about 0.97."
    )
    if any(math.isfinite(share) for share in course.skips):
        caption += f" Shares of skip connections and of all operations without weights are those {whose}."
    return caption
