"""Device profiles as JSON files."""

import json
import math
from pathlib import Path
from typing import Any

from nasturtium.cost.profile import Profile
from nasturtium.errors import ConfigError
from nasturtium.store.schema import storing


def write_profile(profile: Profile, path: Path) -> None:
    """Writes a profile, whole or not at all.

    Raises:
        StoreError: The file cannot be written.
    """
    text = json.dumps(_finite(profile.to_table()), indent=1, allow_nan=False)
    with storing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = path.with_name(path.name + ".new")
        whole.write_text(text + "\n", encoding="utf-8")
        whole.replace(path)


def read_profile(path: str | Path) -> Profile:
    """Returns the profile of a file that `write_profile` wrote, here or on another machine.

    Raises:
        ConfigError: There is no such file, or it is no profile.
    """
    try:
        table = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"cannot read the device profile {path}: {error.strerror}; nasturtium profile makes one"
        ) from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is no device profile: it is not JSON ({error})") from error
    try:
        return Profile.read(_numbers(table))
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def _finite(value: Any) -> Any:
    """Writes NaN, which JSON lacks, as null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    return [_finite(inner) for inner in value] if isinstance(value, list | tuple) else value


def _numbers(table: Any) -> Any:
    """Reads null in the figures of a model as NaN."""
    for course in table.get("courses", ()) if isinstance(table, dict) else ():
        for figures in course.get("quality", {}).values():
            figures.update({key: math.nan for key, value in figures.items() if value is None})
    return table
