"""The sources that a test file belongs to, and where their .mpy files are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harness.assertions import rewrite
from mpos.provision import compile as mpy


@dataclass(frozen=True)
class Sources:
    """The repository's; or for a test file elsewhere these and the folder it is in, which is then the `base`."""

    base: Path

    @classmethod
    def of(cls, test: Path) -> Sources:
        return cls(mpy.TOP if test.is_relative_to(mpy.TOP) else test.parent)

    @property
    def is_elsewhere(self) -> bool:
        return self.base != mpy.TOP

    def compile(self, architecture: str, trees: Sequence[str]) -> list[mpy.CompileError]:
        """Brings the .mpy files up to date, of the repository those of `trees`: what was refused."""
        errors = _compiled(mpy.TOP, architecture, tuple(trees))
        return [*errors, *_compiled(self.base, architecture, (".",))] if self.is_elsewhere else errors

    def tree(self, architecture: str) -> Path:
        """The .mpy files of the base."""
        return _tree(self.base, architecture)

    @staticmethod
    def top_tree(architecture: str) -> Path:
        """The .mpy files of the repository."""
        return _tree(mpy.TOP, architecture)


def _tree(base: Path, architecture: str) -> Path:
    """Not the tree of `mpos run`: there the same sources are compiled without tests."""
    if base == mpy.TOP:
        return mpy.build_dir(architecture).with_name(f"{architecture}-tests")
    return base / ".mpy" / architecture


@cache
def _compiled(base: Path, architecture: str, trees: tuple[str, ...]) -> list[mpy.CompileError]:
    """Compiles once per run. Not strict: while a module is being edited only the tests that import it fail."""
    return mpy.compile_tree(
        _tree(base, architecture), architecture, base=base, trees=trees, strict=False, rewrite=rewrite
    )
