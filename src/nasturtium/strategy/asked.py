"""What a strategy asks for, looked at: one of a user's own may give something else."""

from collections.abc import Sequence

from nasturtium.errors import ConfigError
from nasturtium.protocols import Candidate, Strategy


def asked_of(strategy: Strategy, n: int) -> Sequence[Candidate]:
    """Returns what a strategy asks for.

    Raises:
        ConfigError: That is no list of candidates.
    """
    asked = strategy.ask(n)
    if isinstance(asked, Sequence) and all(isinstance(one, Candidate) for one in asked):
        return asked
    given = f"a list of {type(asked[0]).__name__}" if isinstance(asked, Sequence) else type(asked).__name__
    raise ConfigError(
        f"{type(strategy).__name__}.ask({n}) returned {given}; it must return a list of up to {n} Candidate, "
        "such as [Candidate(architecture)], and an empty one where it has nothing to ask"
    )
