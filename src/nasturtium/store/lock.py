"""One process at a time in a run folder."""

from pathlib import Path

from filelock import FileLock, Timeout

from nasturtium.errors import StoreError
from nasturtium.store.schema import storing


def lock(folder: Path) -> FileLock:
    """Returns the lock of a run folder, taken; the system frees it when the process ends, however it ends.

    Raises:
        StoreError: another process has it, or the folder cannot be written.
    """
    held = FileLock(folder / "lock")
    with storing(folder):
        try:
            held.acquire(timeout=0)
        except Timeout as error:  # an OSError, which `storing` would take for one of the disk
            raise StoreError(
                f"another process is at work in {folder}. Wait for it, stop it, or choose another folder."
            ) from error
    return held
