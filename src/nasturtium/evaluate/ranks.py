"""Several processes that train one supernet: each has a part of every minibatch, all have the same paths."""

from collections.abc import Iterable, Sequence
from hashlib import blake2b

import torch
from torch import Tensor, nn
from torch import distributed as dist

from nasturtium.errors import ConfigError
from nasturtium.protocols import Candidate


class Ranks:
    """The processes of a ``torch.distributed`` group, or this one alone where there is none.

    Start them with ``torchrun --nproc-per-node 2 script.py`` and ``torch.distributed.init_process_group()``
    before the supernet is made. `rng_for` gives every rank the same candidates; should one ask for others,
    the training would go wrong in silence, so a digest of them is compared at every step.

    Attributes:
        rank: Number of this process, from 0.
        world: How many there are.
    """

    def __init__(self) -> None:
        there = dist.is_available() and dist.is_initialized()
        self.rank = dist.get_rank() if there else 0
        self.world = dist.get_world_size() if there else 1

    @property
    def first(self) -> bool:
        """Whether this one writes files."""
        return self.rank == 0

    def part(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Returns this rank's rows of tensors over one minibatch."""
        return tensors if self.world == 1 else tuple(one[self.rank :: self.world] for one in tensors)

    def share(self, mine: int, whole: int) -> float:
        """Returns what a mean over `mine` of `whole` rows counts, so that the ranks' mean is that of all."""
        return mine * self.world / whole

    def average(self, tensors: Iterable[Tensor]) -> None:
        """Sets tensors, in place, to their means over the ranks; every rank must give the same shapes."""
        if self.world > 1:
            for one in tensors:
                dist.all_reduce(one)
                one.div_(self.world)

    def average_gradients(self, model: nn.Module) -> None:
        """Sets the gradients that there are to their means over the ranks."""
        self.average(p.grad for p in model.parameters() if p.grad is not None)

    def same(self, model: nn.Module) -> None:
        """Gives every rank the weights and buffers of the first."""
        if self.world > 1:
            for one in (*model.parameters(), *model.buffers()):
                dist.broadcast(one.detach(), 0)

    def check(self, batch: Sequence[Candidate]) -> None:
        """Makes sure that all ranks were asked for the same.

        Raises:
            ConfigError: They were not.
        """
        if self.world == 1:
            return
        text = repr([(candidate.point, candidate.fidelity) for candidate in batch])
        digest = int.from_bytes(blake2b(text.encode(), digest_size=7).digest(), "little")
        device = "cuda" if dist.get_backend() == "nccl" else "cpu"
        mine = torch.tensor([digest], dtype=torch.int64, device=device)
        every = [torch.empty_like(mine) for _ in range(self.world)]
        dist.all_gather(every, mine)
        if any(not torch.equal(one, mine) for one in every):
            raise ConfigError(
                f"rank {self.rank} trains other paths than the rest ({len(batch)} candidates); every rank "
                "needs the same strategy with the same seed, and must be told the same"
            )

    def wait(self) -> None:
        """Waits for all."""
        if self.world > 1:
            dist.barrier()
