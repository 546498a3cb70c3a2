"""Run pytest on device test files of their own, outside the repository: the harness is tested so."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from mpos.provision.compile import TOP

_RUN_LIMIT_S = 120

_CONFTEST = f"""
import sys
sys.path[:0] = [{str(TOP / "tests")!r}, {str(TOP / "host_tools")!r}]
from harness.collect import DeviceFile
from harness.spread import pytest_xdist_make_scheduler
from harness.targets import pytest_addoption, pytest_configure, pytest_report_header, pytest_unconfigure

def pytest_pycollect_makemodule(module_path, parent):
    return DeviceFile.from_parent(parent, path=module_path)
"""


@dataclass
class Result:
    code: int
    text: str
    junit: ElementTree.Element

    @property
    def outcomes(self) -> dict[str, str]:
        """Name of each test with "passed", "failed" or "error"."""
        kinds = {"failure": "failed", "error": "error"}
        return {
            case.get("name", ""): next((kinds[child.tag] for child in case if child.tag in kinds), "passed")
            for case in self.junit.iter("testcase")
        }

    def failure(self, name: str) -> str:
        """The whole report of one failed test."""
        (case,) = [case for case in self.junit.iter("testcase") if case.get("name") == name]
        return "".join(child.text or "" for child in case if child.tag in ("failure", "error"))

    def output(self, name: str) -> str:
        (case,) = [case for case in self.junit.iter("testcase") if case.get("name") == name]
        return "".join(child.text or "" for child in case if child.tag == "system-out")


class Scratch:
    """A folder with device test files, and pytest on it."""

    def __init__(self, folder: Path):
        self.folder = folder
        (folder / "conftest.py").write_text(_CONFTEST)
        (folder / "pytest.ini").write_text("[pytest]\njunit_logging = system-out\njunit_family = xunit1\n")

    def write(self, files: dict[str, str]) -> None:
        """Makes {name: text} the folder's test files."""
        for old in self.folder.glob("test_*.py"):
            old.unlink()
        for name, text in files.items():
            (self.folder / name).write_text(text)

    def run(self, files: dict[str, str], *arguments: str, **environment: str) -> Result:
        """Runs pytest on {name: text} and on nothing else."""
        self.write(files)
        junit = self.folder / "junit.xml"
        junit.unlink(missing_ok=True)
        options = [f"--rootdir={self.folder}", f"--junitxml={junit}", "--color=no"]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *arguments],
            cwd=self.folder,
            # Without the plugins that happen to be installed: what a test needs it names by -p.
            env={**os.environ, "PYTEST_ADDOPTS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_RUN_LIMIT_S,
            check=False,
        )
        # There is no report of a run that did not begin.
        root = ElementTree.parse(junit).getroot() if junit.exists() else ElementTree.Element("testsuites")
        return Result(done.returncode, done.stdout, root)
