"""What can go wrong, as one tree.

    NasturtiumError
      SpaceError                a space or an architecture that cannot be
        UnknownOp               an operation that the space does not have
        ShapeError              blocks whose shapes do not fit
        InfeasibleSpace         no architecture was found that meets the constraints
      ConfigError               what the user asked for cannot be understood
        UnknownName             a method, space, task, metric or key that does not exist
      DataError                 images, labels or tables that cannot be used
      StoreError                a run folder or journal that cannot be used
        JournalError            a journal that is truncated, foreign or of another search
      ExportError               an exported artefact that differs from the model

Every message says what was given, what was wanted and what to do. A training that fails is not an exception:
it is a `Trial` with a status and an error text.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class NasturtiumError(Exception):
    """Something that the user can mend; the command line prints it without a traceback."""


class SpaceError(NasturtiumError, ValueError):
    """A space or an architecture that cannot be."""


class UnknownOp(SpaceError):
    """An operation that the space does not have."""


class ShapeError(SpaceError):
    """Blocks whose shapes do not fit together."""


class InfeasibleSpace(SpaceError):
    """No architecture was found that meets the constraints."""


class ConfigError(NasturtiumError, ValueError):
    """What the user asked for cannot be understood."""


class UnknownName(ConfigError):
    """A name that does not exist, with the names that do."""


class DataError(NasturtiumError, ValueError):
    """Images, labels or tables that cannot be used."""


class StoreError(NasturtiumError, RuntimeError):
    """A run folder or journal that cannot be used."""


class JournalError(StoreError):
    """A journal that is truncated, foreign or of another search."""


class ExportError(NasturtiumError, RuntimeError):
    """An exported artefact that cannot be made or differs from the model."""


def unknown(kind: str, given: str, known: Iterable[str], *, where: str = "") -> UnknownName:
    """Returns the error for a name that does not exist: what was given, what exists, and the nearest."""
    names = sorted(known)
    near = get_close_matches(given, names, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    place = f" ({where})" if where else ""
    return UnknownName(f"unknown {kind} {given!r}{place}; known: {', '.join(names) or 'none'}{hint}")
