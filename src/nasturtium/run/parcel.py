"""What makes an evaluator, packed for another process."""

import pickle
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from nasturtium.errors import ConfigError
from nasturtium.protocols import Evaluator
from nasturtium.run.names import resolve

USER = "nasturtium_user_"  # how `names` calls the modules that it makes of users' files


@dataclass(frozen=True, slots=True)
class Parcel:
    """A pickled maker, and the users' files without which it cannot be unpacked.

    Attributes:
        files: Python files that were given by path, such as that of a space with blocks of its own.
        content: The pickle.
    """

    files: tuple[str, ...]
    content: bytes

    @classmethod
    def of(cls, make: Callable[[], Evaluator]) -> Self:
        """Returns the parcel of a maker.

        Raises:
            ConfigError: It cannot be pickled.
        """
        try:
            content = pickle.dumps(make)
        except Exception as error:  # TypeError, AttributeError, PicklingError, and whatever an object raises
            raise ConfigError(
                f"what makes the evaluator cannot be sent to another process: {error}. Give a function of a "
                "module, or functools.partial of a class with arguments that can be pickled"
            ) from error
        users = [name for name in sys.modules if name.startswith(USER)]
        needed = [name for name in users if name.encode() in content]  # a pickle names the modules of classes
        return cls(tuple(str(sys.modules[name].__file__) for name in needed), content)

    def evaluator(self) -> Evaluator:
        """Loads the files, unpacks the maker and calls it."""
        for file in self.files:
            resolve("space", f"{file}:__name__")  # any name of it loads the file, under the name it had
        make: Callable[[], Evaluator] = pickle.loads(self.content)
        return make()
