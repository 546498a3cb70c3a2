"""`python -m tests.fuzz [TARGET ...] --seconds N`: look for bytes that break the reader.

Each run starts from the committed corpus (tests/fuzz/corpus/TARGET) and what earlier runs on this machine found
(build/fuzz/TARGET). Bytes that break something are put beside that; copy them into the corpus with the repair.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from tests.fuzz.device import TOP
from tests.fuzz.reached import worth_keeping
from tests.fuzz.targets import Target, targets

CORPUS = TOP / "tests" / "fuzz" / "corpus"
_FOUND = TOP / "build" / "fuzz"
_ONE_INPUT_S = 10
_MEMORY_MB = 2048


def command(target: Target, *arguments: str) -> list[str]:
    """A run of one target; `arguments` are libFuzzer's."""
    limits = [f"-timeout={_ONE_INPUT_S}", f"-rss_limit_mb={_MEMORY_MB}", "-len_control=0"]
    return [sys.executable, "-m", "tests.fuzz.engine", target.name, *limits, *arguments]


def corpus_of(target: Target) -> Path:
    return CORPUS / target.name


def _fuzz(target: Target, options: argparse.Namespace) -> bool:
    found = _FOUND / target.name
    crashes = _FOUND / f"{target.name}-broken"
    for folder in (found, crashes):
        folder.mkdir(parents=True, exist_ok=True)
    arguments = [f"-artifact_prefix={crashes}/", f"-max_total_time={options.seconds}"]
    if options.runs:
        arguments.append(f"-runs={options.runs}")
    folders = [str(found), str(options.corpus or corpus_of(target))]
    code = subprocess.run(command(target, *arguments, *folders), cwd=TOP, check=False).returncode
    if code:
        print(f"{target.name}: broken; the bytes are in {crashes.relative_to(TOP)}", file=sys.stderr)
    return code == 0


def _keep(target: Target) -> bool:
    """Into the committed corpus: what build/fuzz has that reaches something the corpus does not."""
    found = _FOUND / target.name
    chosen = worth_keeping(target, corpus_of(target).iterdir(), found.iterdir() if found.is_dir() else ())
    for path in chosen:
        # libFuzzer names a file by all of its hash; its beginning will do
        shutil.copy(path, corpus_of(target) / path.name[:10])
    print(f"{target.name}: {len(chosen)} more")
    return True


def _replay(target: Target, files: list[Path]) -> bool:
    for file in files:
        target.function(file.read_bytes())
        print(f"{file}: nothing broke")
    return True


def main(arguments: list[str]) -> int:
    known = targets()
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz",
        description="Look for bytes from a card that break the reader: anything but a ReaderError, or no end.",
        epilog=f"Targets: {' '.join(known)}. Example: python -m tests.fuzz t1 --seconds 600",
    )
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="all if none is named")
    parser.add_argument("--seconds", type=int, default=60, metavar="N", help="for each target (60)")
    parser.add_argument("--runs", type=int, default=0, metavar="N", help="at most so many inputs for each")
    parser.add_argument("--corpus", type=Path, metavar="DIR", help="start from this folder (tests/fuzz/corpus/TARGET)")
    parser.add_argument("--replay", type=Path, nargs="+", metavar="FILE", help="only try these inputs, here")
    parser.add_argument("--keep", action="store_true", help="put what earlier runs found and is new into the corpus")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.targets if name not in known]
    if unknown:
        parser.error(f"no target {unknown[0]}; there are {' '.join(known)}")
    chosen = [known[name] for name in options.targets or known]
    if options.replay and len(chosen) != 1:
        parser.error("--replay takes one target")
    good = True
    for target in chosen:
        if options.replay:
            good &= _replay(target, options.replay)
        elif options.keep:
            good &= _keep(target)
        else:
            good &= _fuzz(target, options)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
