"""A wrapper that never has the same network evaluated twice."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError
from nasturtium.protocols import Candidate, Strategy, Trial

Key = tuple[str, int | None]  # canonical form and fidelity


class Distinct:
    """Passes on what the inner strategy asks for, unless that network was asked for before.

    A network that was told is told again to the inner strategy, at once and at no cost; one that is being
    evaluated is told again when it is told. The same network at another fidelity is another question, and a
    candidate with a parent (its weights decide the result) or a mixture always passes.

    Args:
        inner: The strategy.
        canonical: Gives equal strings for equal networks, for example `Space.canonical`.
        tries: How many known networks in a row `ask` puts up with; after that it returns fewer than asked.
            When nothing is being evaluated either, the space is exhausted as far as the inner strategy can
            tell.
    """

    def __init__(
        self, inner: Strategy, canonical: Callable[[Architecture], str], *, tries: int = 1000
    ) -> None:
        if tries < 1:
            raise ConfigError(f"tries is {tries}; it must be 1 or more")
        self.inner = inner
        self.canonical = canonical
        self.tries = tries
        self._told: dict[Key, Trial] = {}
        self._evaluated: dict[str, Architecture] = {}  # the architecture that was told for each form
        self._stuck = False  # nothing new was found, and nothing was told since
        self._pending: dict[Key, list[Candidate]] = {}  # repeats that wait for the result

    def ask(self, n: int) -> list[Candidate]:
        """Returns up to `n` candidates that were not asked for before."""
        found: list[Candidate] = []
        while len(found) < n and not self._stuck:
            candidate = self._next()
            if candidate is None:
                self._stuck = True
            else:
                found.append(candidate)
        return found

    def tell(self, trials: Sequence[Trial]) -> None:
        """Takes results, and tells those who wait for the same network."""
        self._stuck = False
        for trial in trials:
            again: list[Candidate] = []
            key = self._key(trial.candidate)
            if key is not None:
                self._told[key] = trial
                self._evaluated.setdefault(key[0], trial.architecture)
                again = self._pending.pop(key, again)
            self.inner.tell([trial, *(replace(trial, candidate=candidate) for candidate in again)])

    def best(self, k: int) -> Sequence[Architecture]:
        """Returns up to `k` different networks that the inner strategy would pick, as evaluated."""
        wanted = k
        while True:
            picked = self.inner.best(wanted)
            forms: dict[str, Architecture] = {}
            for architecture in picked:
                forms.setdefault(self.canonical(architecture), architecture)
            if len(forms) >= k or len(picked) < wanted:
                return [self._evaluated.get(form, first) for form, first in forms.items()][:k]
            wanted *= 2

    def _next(self) -> Candidate | None:
        for _ in range(self.tries):
            asked = self.inner.ask(1)
            if not asked:
                return None
            candidate = asked[0]
            key = self._key(candidate)
            if key is None:
                return candidate
            if key in self._told:
                self.inner.tell([replace(self._told[key], candidate=candidate)])
            elif key in self._pending:
                self._pending[key].append(candidate)
            else:
                self._pending[key] = []
                return candidate
        return None

    def _key(self, candidate: Candidate) -> Key | None:
        if candidate.parent is not None or not isinstance(candidate.point, Architecture):
            return None
        return self.canonical(candidate.point), candidate.fidelity
