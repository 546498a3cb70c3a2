"""A small state in a file that survives power loss: written beside the old one, then renamed over it.

Of five ways to replace a file, this is the one that littlefs and POSIX keep whole at every instant. The old bytes
stay in raw flash until the file system writes over them.
"""

import os

from micropython import const

from reader.errors import E_STORE, ReaderError

_ENOENT = const(2)
_LIMIT = const(4096)


class StateFile:
    """The reader.ports.Store of the file `path`; `path` + ".new" is its temporary."""

    def __init__(self, path: str):
        self._path = path

    def load(self) -> bytearray | None:
        """The state, as a buffer that the caller may wipe; None when there is none yet.

        A temporary left by a cut is not looked at. Raises E_STORE when the file cannot be read or has more than
        4,096 bytes.
        """
        try:
            size = os.stat(self._path)[6]
            if size > _LIMIT:
                raise ReaderError(E_STORE)
            data = bytearray(size)
            with open(self._path, "rb") as file:
                if file.readinto(data) != size:
                    raise ReaderError(E_STORE)
        except OSError as error:
            if error.errno == _ENOENT:
                return None
            raise ReaderError(E_STORE)
        return data

    def save(self, data) -> None:
        """Replace the state by `data`. Raises E_STORE; the old state stands then."""
        if len(data) > _LIMIT:
            raise ReaderError(E_STORE)
        temporary = self._path + ".new"
        try:
            with open(temporary, "wb") as file:
                if file.write(data) != len(data):
                    raise ReaderError(E_STORE)
                file.flush()  # down to the medium: fsync on POSIX, lfs_file_sync on littlefs
            os.rename(temporary, self._path)
        except OSError:
            raise ReaderError(E_STORE)
