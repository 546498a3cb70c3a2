"""MicroPython's documented signatures, read from the stub files of the package micropython-esp32-stubs, and two uses:

check(record)        is a call that was recorded on the device one of the documented ones?
device_module(name)  source of a MicroPython module with those classes and functions, which records every call
"""

from __future__ import annotations

import ast
import functools
import inspect
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_STUBS = Path(sysconfig.get_path("purelib"))
_FILES = {"os": "stdlib/os/__init__.pyi"}  # where the name is also one of CPython's
_TYPES: dict[str, type | tuple[type, ...]] = {
    "int": int,
    "str": str,
    "bool": bool,
    "float": (int, float),
    "None": type(None),
}
# The text of the documentation allows None here (no pull resistor), the stub's annotation forgot it
_ANNOTATIONS = {("pull", "int"): "int | None"}
_POSITIONAL, _NAMED = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY


@dataclass
class Callable:
    """A documented function or method: its overloads, and whether one of them returns something."""

    overloads: list[inspect.Signature] = field(default_factory=list)
    answers: bool = False
    of: str = ""  # "", "staticmethod", "classmethod"


@dataclass
class Documented:
    """Of one module: what can be called, by full name; constants of classes and of the module, by full name."""

    calls: dict[str, Callable] = field(default_factory=dict)
    constants: dict[str, int] = field(default_factory=dict)
    classes: list[str] = field(default_factory=list)


@functools.cache
def documented(module: str) -> Documented:
    path = _STUBS / _FILES.get(module, f"{module}.pyi")
    found = Documented()
    _collect(ast.parse(path.read_text(encoding="utf-8")).body, module, found, in_class=False)
    return found


def check(record: dict[str, Any]) -> str:
    """What is wrong with {"call": name, "args": [...], "kwargs": {...}}; an empty string: nothing."""
    name = record["call"]
    entry = documented(name.split(".")[0]).calls.get(name)
    if entry is None:
        return f"{name} is not documented"
    reasons = [_misfit(signature, record["args"], record["kwargs"]) for signature in entry.overloads]
    return "" if "" in reasons else f"{name}: {' / '.join(dict.fromkeys(reasons))}"


def arguments(record: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a good call, by the names of their parameters; those left out are not there."""
    for signature in documented(record["call"].split(".")[0]).calls[record["call"]].overloads:
        if not _misfit(signature, record["args"], record["kwargs"]):
            return dict(signature.bind(*record["args"], **record["kwargs"]).arguments)
    raise ValueError(f"not a good call: {record}")


def device_module(name: str) -> str:
    """Source for MicroPython. What the documentation does not name is not there: AttributeError on the device."""
    entry = documented(name)
    lines = ["import behaviour", "import recorder"]
    lines += [f"{full.split('.')[1]} = {value!r}" for full, value in entry.constants.items() if full.count(".") == 1]
    for full, call in entry.calls.items():
        if full.count(".") == 1:
            lines += [f"def {full.split('.')[1]}(*args, **kwargs):", f"    return {_call(full, call, 'None')}"]
    for owner in entry.classes:
        base = owner.replace(".", "_")
        lines += [f"class {owner.split('.')[1]}(getattr(behaviour, {base!r}, object)):"]
        lines += [f"    {f.split('.')[2]} = {v!r}" for f, v in entry.constants.items() if f.startswith(owner + ".")]
        methods = {full.split(".")[2]: call for full, call in entry.calls.items() if full.startswith(owner + ".")}
        for method, call in methods.items():
            lines += [f"    @{call.of}"] if call.of else []
            lines += [f"    def {method}({'' if call.of == 'staticmethod' else 'self, '}*args, **kwargs):"]
            lines += [f"        return {_call(f'{owner}.{method}', call, 'None' if call.of else 'self')}"]
        lines += ["    pass"]
    return "\n".join(lines) + "\n"


def _call(full: str, call: Callable, owner: str) -> str:
    return f"recorder.call({full!r}, {owner}, args, kwargs, {call.answers})"


def _collect(body: list[ast.stmt], prefix: str, found: Documented, in_class: bool) -> None:
    for node in body:
        if isinstance(node, ast.FunctionDef):
            entry = found.calls.setdefault(f"{prefix}.{node.name}", Callable())
            entry.of = next((d for d in map(ast.unparse, node.decorator_list) if d.endswith("method")), "")
            entry.overloads.append(_signature(node.args, in_class and entry.of != "staticmethod"))
            returned = ast.unparse(node.returns) if node.returns else "None"
            entry.answers = entry.answers or (returned not in ("None", "NoReturn") and node.name != "__init__")
        elif isinstance(node, ast.ClassDef) and not in_class:
            found.classes.append(f"{prefix}.{node.name}")
            _collect(node.body, f"{prefix}.{node.name}", found, in_class=True)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            value = ast.literal_eval(node.value) if isinstance(node.value, ast.Constant) else None
            if isinstance(value, int):
                found.constants[f"{prefix}.{node.target.id}"] = value


def _signature(args: ast.arguments, method: bool) -> inspect.Signature:
    def parameter(arg: ast.arg, kind: Any, has_default: bool) -> inspect.Parameter:
        annotation = ast.unparse(arg.annotation) if arg.annotation else ""
        return inspect.Parameter(
            arg.arg,
            kind,
            default=None if has_default else inspect.Parameter.empty,
            annotation=_ANNOTATIONS.get((arg.arg, annotation), annotation),
        )

    plain = [*args.posonlyargs, *args.args]
    without = len(plain) - len(args.defaults)
    parameters = [
        parameter(arg, inspect.Parameter.POSITIONAL_ONLY if i < len(args.posonlyargs) else _POSITIONAL, i >= without)
        for i, arg in enumerate(plain)
    ]
    if args.vararg:
        parameters.append(parameter(args.vararg, inspect.Parameter.VAR_POSITIONAL, False))
    parameters += [parameter(a, _NAMED, d is not None) for a, d in zip(args.kwonlyargs, args.kw_defaults, strict=True)]
    if args.kwarg:
        parameters.append(parameter(args.kwarg, inspect.Parameter.VAR_KEYWORD, False))
    return inspect.Signature(parameters[1:] if method else parameters)


def _misfit(signature: inspect.Signature, args: list, kwargs: dict) -> str:
    kinds = {parameter.kind for parameter in signature.parameters.values()}
    if {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD} <= kinds:
        return "its arguments are not documented"
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError as error:
        return str(error)
    for name, value in bound.arguments.items():
        types = signature.parameters[name].annotation.split(" | ")
        simple = [_TYPES[t] for t in types if t in _TYPES]
        if len(simple) == len(types) and not any(isinstance(value, t) for t in simple):
            return f"{name}={value!r} is no {' | '.join(types)}"
    return ""
