"""DARTS: a softmax over the options of every decision, learned by gradient descent."""

from nasturtium.strategy.relaxed import Draw, Entries, Relaxed


class DARTS(Relaxed):
    """Asks for the softmax mixture of all options, and descends the validation loss.

    Liu, Simonyan and Yang 2019, Algorithm 1, eq. 2 and section 2.3 (arXiv:1806.09055): alternates a step of
    the weights on the training split with a step of the numbers on the validation split. Known to end in skip
    connections when it goes on for long (Zela et al. 2020, arXiv:1909.09656): watch the share of skips.

    The paper's search of CIFAR-10: a supernet with ``norms="batch"``, ``affine=False``, 8 cells and 16
    filters (``darts_search/published``); half of the training images each; batch 64, 50 epochs of sgd from
    0.025 to 0.001, momentum 0.9, decay 3e-4, clip_norm 5, no label smoothing; one candidate a step, fidelity
    None; ``gradient=first_order``, or `evaluate.unrolled.second_order`.

    Differs: the first step is one of the weights, so that the steps are shifted by half a turn.
    """

    def draw(self, number: int) -> Draw:
        """Returns the mixture."""
        weights = self.rows.softmax(self.logits)

        def slope(gradient: Entries) -> Entries:
            return self.rows.through_softmax(weights, gradient)

        return Draw(self.rows.mixture(weights), slope)
