"""A wrapper that never has the same network evaluated twice."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError, InfeasibleSpace
from nasturtium.protocols import Candidate, Strategy, Trial
from nasturtium.strategy.asked import asked_of

Key = tuple[str, int | None]  # canonical form and fidelity
PATIENCE = 50  # known networks in a row before another strategy is asked


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
        other: Is asked instead where the inner strategy has named known networks alone, so many in a row: a
            policy that has made up its mind would end a search long before its budget. The inner one is told
            the result. None asks nobody.
    """

    def __init__(
        self,
        inner: Strategy,
        canonical: Callable[[Architecture], str],
        *,
        tries: int = 1000,
        other: Strategy | None = None,
    ) -> None:
        if tries < 1:
            raise ConfigError(f"tries is {tries}; it must be 1 or more")
        self.inner = inner
        self.other = other
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
        fidelity = None
        for attempt in range(self.tries):
            others = self.other is not None and attempt >= PATIENCE
            asked = self._other() if others else asked_of(self.inner, 1)
            if not asked:
                return None
            candidate = replace(asked[0], fidelity=fidelity) if others else asked[0]
            fidelity = candidate.fidelity
            key = self._key(candidate)
            if key is None:
                return candidate
            if others and (key in self._told or key in self._pending):
                continue
            if key in self._told:
                self.inner.tell([replace(self._told[key], candidate=candidate)])
            elif key in self._pending:
                self._pending[key].append(candidate)
            else:
                self._pending[key] = []
                return candidate
        return None

    def _other(self) -> Sequence[Candidate]:
        assert self.other is not None
        try:
            return self.other.ask(1)
        except InfeasibleSpace:  # it has found none that meets the constraints; the inner one has
            return []

    def _key(self, candidate: Candidate) -> Key | None:
        if candidate.parent is not None or not isinstance(candidate.point, Architecture):
            return None
        return self.canonical(candidate.point), candidate.fidelity
