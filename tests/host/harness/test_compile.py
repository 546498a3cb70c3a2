"""The tree of .mpy files is always what the sources are, whoever asks, and says plainly what does not compile."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mpos.provision import compile as mpy
from mpos.provision import toolchain

_MICROPYTHON_LIMIT_S = 20


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    base = tmp_path / "base"
    for name in ("fw/__init__.py", "fw/one.py", "fw/deep/two.py", "other/three.py"):
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).write_text(f"NAME = {name!r}\n")
    (base / "fw" / "manifest.py").write_text("freeze('.')\n")
    return base


def _outputs(out: Path) -> dict[str, int]:
    return {str(path.relative_to(out)): path.stat().st_mtime_ns for path in out.rglob("*.mpy")}


def _changed(before: dict[str, int], after: dict[str, int]) -> set[str]:
    return {name for name in before | after if before.get(name) != after.get(name)}


def _run(code: str, path: str, bits: int = 32) -> str:
    """What MicroPython prints, traceback included."""
    done = subprocess.run(
        [
            os.environ.get("MPOS_MICROPYTHON")
            if bits == 32 and "MPOS_MICROPYTHON" in os.environ
            else toolchain.micropython(bits),
            "-c",
            code,
        ],
        env={**os.environ, "MICROPYPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_MICROPYTHON_LIMIT_S,
        check=False,
    )
    return done.stdout


def test_the_tree_mirrors_the_sources(sources: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert mpy.compile_tree(out, "x86", base=sources, trees=("fw", "other")) == []
    assert set(_outputs(out)) == {"fw/__init__.mpy", "fw/one.mpy", "fw/deep/two.mpy", "other/three.mpy"}


def test_only_what_changed_is_compiled_again(sources: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    mpy.compile_tree(out, "x86", base=sources, trees=("fw",))
    first = _outputs(out)
    mpy.compile_tree(out, "x86", base=sources, trees=("fw",))
    assert _outputs(out) == first
    (sources / "fw/one.py").write_text("NAME = 'changed'\n")
    mpy.compile_tree(out, "x86", base=sources, trees=("fw",))
    assert _changed(first, _outputs(out)) == {"fw/one.mpy"}
    assert _run("import one; print(one.NAME)", str(out / "fw")) == "changed\n"


def test_an_output_that_is_gone_is_made_again(sources: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    mpy.compile_tree(out, "x86", base=sources, trees=("fw",))
    (out / "fw/one.mpy").unlink()
    mpy.compile_tree(out, "x86", base=sources, trees=("fw",))
    assert (out / "fw/one.mpy").exists()


def test_an_output_without_a_source_is_deleted(sources: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    mpy.compile_tree(out, "x86", base=sources, trees=("fw", "other"))
    (sources / "fw/deep/two.py").unlink()
    mpy.compile_tree(out, "x86", base=sources, trees=("fw",))
    assert set(_outputs(out)) == {"fw/__init__.mpy", "fw/one.mpy", "other/three.mpy"}
    assert not (out / "fw/deep").exists()


def test_other_options_compile_everything_again(sources: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    mpy.compile_tree(out, "x86", base=sources, trees=("fw",))
    first = _outputs(out)
    mpy.compile_tree(out, "x86", base=sources, trees=("fw",), optimise=3)
    assert _changed(first, _outputs(out)) == set(first)


def test_a_broken_record_is_no_obstacle(sources: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    mpy.compile_tree(out, "x86", base=sources, trees=("fw",))
    (out / "compiled.json").write_text("{")
    mpy.compile_tree(out, "x86", base=sources, trees=("fw",))
    assert _run("import one; print(one.NAME)", str(out / "fw")) == "fw/one.py\n"


def test_assertions_are_kept_unless_optimised_away(sources: Path, tmp_path: Path) -> None:
    (sources / "fw/one.py").write_text("assert False, 'kept'\nprint('away')\n")
    mpy.compile_tree(tmp_path / "out", "x86", base=sources, trees=("fw",))
    assert "AssertionError: kept" in _run("import one", str(tmp_path / "out/fw"))
    mpy.compile_tree(tmp_path / "out", "x86", base=sources, trees=("fw",), optimise=1)
    assert _run("import one", str(tmp_path / "out/fw")) == "away\n"


def test_an_error_names_file_and_line(sources: Path, tmp_path: Path) -> None:
    broken = sources / "fw/one.py"
    broken.write_text("NAME = 1\nNAME = = 2\n")
    for _ in range(2):  # also when there is nothing left to compile
        with pytest.raises(mpy.CompileError) as caught:
            mpy.compile_tree(tmp_path / "out", "x86", base=sources, trees=("fw",))
        assert str(caught.value) == f"{broken}:2: SyntaxError: invalid syntax"


def test_an_error_hits_only_those_who_import_the_file(sources: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    broken = sources / "fw/one.py"
    broken.write_text("NAME = 1\nNAME = = 2\n")
    errors = mpy.compile_tree(out, "x86", base=sources, trees=("fw",), strict=False)
    assert [str(error) for error in errors] == [f"{broken}:2: SyntaxError: invalid syntax"]
    assert f"SyntaxError: {broken}:2: SyntaxError: invalid syntax" in _run("import one", str(out / "fw"))
    assert _run("from deep import two; print(two.NAME)", str(out / "fw")) == "fw/deep/two.py\n"
    broken.write_text("NAME = 2\n")
    assert mpy.compile_tree(out, "x86", base=sources, trees=("fw",), strict=False) == []
    assert _run("import one; print(one.NAME)", str(out / "fw")) == "2\n"


def test_an_unknown_architecture(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no architecture 'z80': one of x86, x64, xtensawin, rv32imc"):
        mpy.compile_tree(tmp_path, "z80")


def test_a_rewritten_source_keeps_its_name_and_lines(sources: Path, tmp_path: Path) -> None:
    (sources / "fw/one.py").write_text("# first\nBAD\n")
    seen = []

    def rewrite(name: str, text: str) -> str:
        seen.append(name)
        return text.replace("BAD", "raise ValueError('rewritten')")

    mpy.compile_tree(tmp_path / "out", "x86", base=sources, trees=("fw",), rewrite=rewrite)
    assert str(sources / "fw/one.py") in seen
    text = _run("import one", str(tmp_path / "out/fw"))
    assert f'File "{sources / "fw/one.py"}", line 2' in text
    assert "ValueError: rewritten" in text


def test_several_processes_at_once(sources: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for i in range(30):
        (sources / f"fw/module{i}.py").write_text(f"NAME = {i}\n" * 50)
    code = (
        "import sys; from pathlib import Path; from mpos.provision.compile import compile_tree as c;"
        "c(Path(sys.argv[1]), 'x86', base=Path(sys.argv[2]), trees=('fw',))"
    )
    command = [sys.executable, "-c", code, str(out), str(sources)]
    environment = {**os.environ, "PYTHONPATH": str(mpy.TOP / "host_tools")}
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda _: subprocess.run(command, env=environment, timeout=60, check=False), range(4)))
    assert [run.returncode for run in runs] == [0] * 4
    assert len(_outputs(out)) == 33
    assert list(out.rglob(".compiling-*")) == []
    assert _run("import module29; print(module29.NAME)", str(out / "fw")) == "29\n"


def _architectures() -> list[str]:
    """All, or without the emulated board's where its compiler was not set up."""
    try:
        mpy.mpy_cross("rv32imc")
    except toolchain.ToolchainMissing:
        return [architecture for architecture in mpy.ARCHITECTURES if architecture != "rv32imc"]
    return list(mpy.ARCHITECTURES)


@pytest.mark.parametrize("architecture", _architectures())
def test_the_whole_firmware_compiles(architecture: str, tmp_path: Path) -> None:
    assert mpy.compile_tree(tmp_path, architecture, optimise=3, strict=False) == []
    assert (tmp_path / "firmware/reader/errors.mpy").exists()
    assert (tmp_path / "firmware/main.mpy").exists()


@pytest.mark.parametrize("bits", [32, 64])
def test_the_firmware_is_found_and_names_its_sources(bits: int) -> None:
    path = mpy.firmware_path(bits)
    text = _run("from reader.util import bcd; print(bcd.__file__)", path, bits)
    assert text == str(mpy.build_dir({32: "x86", 64: "x64"}[bits]) / "firmware/reader/util/bcd.mpy") + "\n"
    # A traceback names the source from the top of the repository.
    assert 'File "firmware/reader/util/bcd.py", line ' in _run(
        "from reader.util import bcd; bcd.from_int('x', 1)", path, bits
    )


def test_nothing_to_do_is_done_at_once() -> None:
    mpy.firmware_path(32)
    started = time.perf_counter()
    mpy.firmware_path(32)
    assert time.perf_counter() - started < 0.3
