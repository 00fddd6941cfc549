"""How names become objects and objects become plain data: one fixed table a kind of thing.

Loading a file can name nothing but what stands in these tables, and runs no code of the file's.
"""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from autograd.errors import ArgumentError, message

T = TypeVar("T")


def snake_case(name: str) -> str:
    """Return the snake_case form of a class name, as Keras names layers.

    Example:
        >>> snake_case("BatchNormalization"), snake_case("ReLU"), snake_case("Dense")
        ('batch_normalization', 're_lu', 'dense')
    """
    split = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", split).lower()


class Configurable:
    """What is described by its constructor's arguments, each kept under its own name.

    `unsaved` names those that a configuration leaves out.

    Example:
        >>> class Scale(Configurable):
        ...     def __init__(self, factor=2.0):
        ...         self.factor = factor
        >>> Scale(3.0).get_config()
        {'factor': 3.0}
    """

    unsaved: tuple[str, ...] = ()

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data.

        Raises:
            ArgumentError: if one is not kept under its own name; a subclass may do without that
                by overriding this method and adding to what it returns.
        """
        kept, missing = {}, []
        for name in arguments(type(self)):
            if name in self.unsaved:
                continue
            if hasattr(self, name):
                kept[name] = _plain(getattr(self, name))
            else:
                missing.append(name)
        overridden = type(self).get_config.__module__.split(".")[0] != "nn"
        if missing and not overridden:
            raise ArgumentError(
                message(
                    f"{type(self).__name__} to keep its arguments under their names",
                    f"nothing under {', '.join(missing)}",
                    f"self.{missing[0]} = {missing[0]} in __init__, or a get_config of its own",
                )
            )
        return kept

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """Make an object from what `get_config` gave.

        Args:
            config: the constructor's arguments.

        Raises:
            ArgumentError: if it names an argument that there is not.
        """
        known = arguments(cls)
        for name in config:
            if name not in known:
                raise ArgumentError(
                    message(
                        f"{cls.__name__} to be configured by {', '.join(known) or 'nothing'}",
                        f"{name}={config[name]!r:.60}",
                        "without it",
                    )
                )
        return cls(**config)

    def __repr__(self) -> str:
        given = ", ".join(f"{k}={v!r:.60}" for k, v in self.get_config().items() if v is not None)
        return f"{type(self).__name__}({given})"


def one_of(name: str, given: T, known: Sequence[Any]) -> T:
    """Return an option that is among those known.

    Raises:
        ArgumentError: if it is not.

    Example:
        >>> one_of("curve", "PR", ("ROC", "PR"))
        'PR'
    """
    if given not in known:
        listed = ", ".join(map(repr, known))
        raise ArgumentError(message(f"{name} to be one of {listed}", repr(given), repr(known[0])))
    return given


def arguments(cls: type) -> list[str]:
    """Return the names of the constructor's arguments, those handed on to bases included."""
    names: list[str] = []
    for base in cls.__mro__:
        init = base.__dict__.get("__init__")
        if init is None or base is object:
            continue
        parameters = list(inspect.signature(init).parameters.values())[1:]
        names += [
            p.name
            for p in parameters
            if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD) and p.name not in names
        ]
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    return names


def _plain(value: Any) -> Any:
    if isinstance(value, Configurable):
        return {"class_name": type(value).__name__, "config": value.get_config()}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.dtype):
        return value.name
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if inspect.isfunction(value):
        return value.__name__
    return getattr(value, "name", value) if callable(value) else value


class Registry:
    """The names of one kind of thing: "optimizer", "loss" and so on.

    Args:
        kind: what messages call it.

    Example:
        >>> shapes = Registry("shape")
        >>> @shapes.add("square")
        ... class Square(Configurable):
        ...     pass
        >>> shapes.get("Square")
        Square()
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.entries: dict[str, Any] = {}

    def add(self, *names: str) -> Callable[[T], T]:
        """Enter what is decorated under its own name and under `names`."""

        def enter(entry: T) -> T:
            own: str = entry.__name__  # type: ignore[attr-defined]
            for name in (own, snake_case(own), *names):
                self.entries[name.lower()] = entry
            return entry

        return enter

    def find(self, name: str) -> Any:
        """Return the entry of that name, in whatever case.

        Raises:
            ArgumentError: if there is none.
        """
        found = self.entries.get(name.lower())
        if found is None:
            near = difflib.get_close_matches(name.lower(), self.entries, n=1, cutoff=0.0)
            raise ArgumentError(
                message(
                    f"the name of a known {self.kind}",
                    repr(name),
                    f"{near[0]!r}, or an object of your own" if near else "an object of your own",
                )
            )
        return found

    def get(self, identifier: Any) -> Any:
        """Return what `identifier` means.

        Args:
            identifier: a name, a class, a configuration {"class_name": ..., "config": ...}, or
                the object itself, which is returned.

        Raises:
            ArgumentError: if it means nothing known.
        """
        if isinstance(identifier, str):
            entry = self.find(identifier)
            return entry() if isinstance(entry, type) else entry
        if isinstance(identifier, Mapping):
            name = identifier.get("class_name")
            if not isinstance(name, str):
                raise ArgumentError(
                    message(
                        f"the configuration of a {self.kind} to have a class_name",
                        f"{sorted(map(str, identifier))}",
                        "{'class_name': ..., 'config': {...}}",
                    )
                )
            entry = self.find(name)
            config = identifier.get("config") or {}
            return entry.from_config(config) if hasattr(entry, "from_config") else entry
        if isinstance(identifier, type):
            return identifier()
        if callable(identifier) or isinstance(identifier, Configurable):
            return identifier
        raise ArgumentError(
            message(
                f"a {self.kind} by name or as an object",
                f"{identifier!r:.60} of type {type(identifier).__name__}",
                f"one of {', '.join(sorted(self.entries)[:6])}, ...",
            )
        )
