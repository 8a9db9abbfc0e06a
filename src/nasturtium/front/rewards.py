"""An error and a cost as one number, in the ways of published searches: to be made small."""

import math


def mnasnet(error: float, cost: float, target: float, below: float = -0.07, above: float = -0.07) -> float:
    """Returns minus the reward of MnasNet, accuracy * (cost / target) ** w.

    Tan et al. 2019 (arXiv:1807.11626), eqs. 2 and 3: w is `below` where the cost is within the target and
    `above` where it is not. The defaults are the soft form, in which twice the cost is worth 5 % more
    accuracy; 0 and -1 are the hard one, in which a network beyond the target is worth less and is not
    forbidden.

    Args:
        error: Share of wrong answers, 0..1.
        cost: Any, above 0.
        target: In the unit of the cost.
        below: w of costs up to the target.
        above: w of larger ones.
    """
    share = cost / target
    return -(1 - error) * math.pow(share, below if share <= 1 else above)


def fbnet(loss: float, cost: float, alpha: float = 0.2, beta: float = 0.6) -> float:
    """Returns FBNet's loss, loss * alpha * log(cost) ** beta (Wu et al. 2019, arXiv:1812.03443, eq. 2).

    Args:
        loss: Cross entropy.
        cost: Above 1, as no power of a negative logarithm is real: give microseconds where there are
            networks of less than a millisecond.
        alpha: Scale; it changes no order.
        beta: How much the cost counts.

    Raises:
        ValueError: The cost is below 1.
    """
    return loss * alpha * math.pow(math.log(cost), beta)
