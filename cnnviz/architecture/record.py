"""One picture's way through any network, by shapes alone: its layers and functions, in order.

Layers are heard by hooks, and functions that a network's own forward calls by a mode of PyTorch's,
so that branches are seen where they meet. All on the device "meta": nothing is computed but shapes.
Source: PyTorch, "Extending PyTorch", torch.overrides.TorchFunctionMode.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from cnnviz.architecture.calls import (
    call_arguments,
    call_macs,
    layer_arguments,
    layer_macs,
    window_layer,
)
from cnnviz.architecture.operation import Shape
from cnnviz.errors import ShapeError, StoppedError
from cnnviz.evaluation_mode import evaluation_mode
from cnnviz.layers import count_parameters

PICTURE: Final = -1
"""As the source of a value: the picture itself."""
MOST_STEPS: Final = 5_000
LIMIT_S: Final = 20.0
_OPAQUE: Final = (nn.MultiheadAttention,)
"""Layers with layers of their own that are one step all the same."""
_SILENT: Final = frozenset(
    ("contiguous", "clone", "detach", "to", "float", "type_as", "expand", "expand_as")
)
"""Functions that change nothing that is told here."""


@dataclass(frozen=True, slots=True, eq=False)
class Recorded:
    """One layer or function."""

    name: str
    """features.0; of a function, its name behind that of the module that called it. Unique."""
    kind: str
    arguments: Mapping[str, Any]
    sources: tuple[int, ...]
    """The steps whose outputs it takes, by number, or PICTURE."""
    inputs: tuple[Shape, ...]
    output: Shape
    parameters: int
    """Of a layer that is used twice, only the first time."""
    macs: int
    window: nn.Module | None
    """The layer that slides a window like this one; itself, if it does."""


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """All steps of a picture's way."""

    steps: tuple[Recorded, ...]
    parameters: int
    """Of the whole network, whether the picture passes them or not."""


def record(
    network: nn.Module, input_shape: tuple[int, int, int], limit_s: float = LIMIT_S
) -> Recording:
    """Passes one picture (C, H, W) through a network on the device "meta", in evaluation.

    ShapeError if it does not take such a picture; StoppedError if that takes too long or too many
    steps.
    """
    listener = _Listener(network, time.monotonic() + limit_s)
    image = torch.empty(1, *input_shape, device="meta")
    listener.values[id(image)] = _Value(image, PICTURE)
    try:
        with torch.no_grad(), evaluation_mode(network), listener.hooks(), listener:
            network(image)
    except (RuntimeError, ValueError, AssertionError, TypeError, IndexError) as error:
        if isinstance(error, ShapeError):
            raise
        size = " × ".join(map(str, input_shape))
        after = f" after {listener.steps[-1].name}" if listener.steps else ""
        reason = " ".join(str(error).split())
        raise ShapeError(f"a picture of {size} does not fit{after}: {reason}") from None
    return Recording(tuple(listener.steps), count_parameters(network))


@dataclass(slots=True)
class _Value:
    """A tensor on its way: by which step, and with which parameters in it that no step has yet."""

    tensor: torch.Tensor
    source: int | None
    """None for what has come of parameters and constants alone."""
    parameters: tuple[nn.Parameter, ...] = ()


@dataclass(eq=False)
class _Listener(TorchFunctionMode):
    network: nn.Module
    deadline: float

    def __post_init__(self) -> None:
        super().__init__()
        self.steps: list[Recorded] = []
        self.values: dict[int, _Value] = {}  # by id; they hold their tensors, so that ids stay
        self._names = {module: name for name, module in self.network.named_modules()}
        self._counted: set[int] = set()
        self._used: dict[str, int] = {}
        self._inside: list[nn.Module] = []
        self._leaf: nn.Module | None = None

    # ----------------------------------------------------------------------------------- layers

    def hooks(self) -> _Hooks:
        return _Hooks(self)

    def enter(self, module: nn.Module) -> None:
        if self._leaf is None:
            if _is_leaf(module):
                self._leaf = module
            else:
                self._inside.append(module)

    def leave(self, module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        if self._leaf is None:
            self._inside.pop()
        elif self._leaf is module:
            # Still inside: what the noting itself does with the tensors is not heard.
            self._note_layer(module, list(_tensors([*args, *kwargs.values()])), output)
            self._leaf = None

    def _note_layer(self, module: nn.Module, tensors: list[torch.Tensor], output: Any) -> None:
        result = next(_tensors([output]))
        window = module if isinstance(module, _windows()) else None
        self._note(
            name=self._names[module],
            kind=type(module).__name__,
            arguments=layer_arguments(module),
            tensors=tensors,
            outputs=[result],
            own=list(module.parameters()),
            macs=layer_macs(module, tensors, result),
            window=window,
        )

    # -------------------------------------------------------------------------------- functions

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        given = kwargs or {}
        result = func(*args, **given)
        if self._leaf is None:
            self._heard(func, args, given, result)
        return result

    def _heard(self, func: Any, args: Any, kwargs: dict[str, Any], result: Any) -> None:
        outputs = list(_tensors([result]))
        tensors = list(_tensors([*args, *kwargs.values()]))
        if not outputs:
            return
        name = getattr(func, "__name__", "").strip("_")
        name = {"iadd": "add", "imul": "mul", "radd": "add", "rmul": "mul"}.get(name, name)
        known = [self.values[id(t)] for t in tensors if id(t) in self.values]
        own = [t for t in tensors if isinstance(t, nn.Parameter)]
        sources = [value.source for value in known if value.source is not None]
        if not sources:
            held = (*own, *(p for value in known for p in value.parameters))
            self._keep(outputs, None, held)
        elif name in _SILENT or name == "get":
            self._keep(outputs, sources[0], tuple(known[0].parameters))
        else:
            arguments = call_arguments(name, args, kwargs)
            self._note(
                name=".".join(filter(None, (self._caller(), name))),
                kind=name,
                arguments=arguments,
                tensors=tensors,
                outputs=outputs,
                own=own,
                macs=call_macs(name, arguments, tensors, outputs[0]),
                window=window_layer(name, arguments),
            )

    def _caller(self) -> str:
        return self._names[self._inside[-1]] if self._inside else ""

    # ------------------------------------------------------------------------------------ both

    def _note(
        self,
        *,
        name: str,
        kind: str,
        arguments: Mapping[str, Any],
        tensors: list[torch.Tensor],
        outputs: list[torch.Tensor],
        own: list[nn.Parameter],
        macs: int,
        window: nn.Module | None,
    ) -> None:
        if len(self.steps) >= MOST_STEPS or time.monotonic() > self.deadline:
            raise StoppedError(
                f"this network is too long to be told layer by layer: {len(self.steps):,} steps "
                "were not its end"
            )
        known = [self.values[id(t)] for t in tensors if id(t) in self.values]
        whence = [value for value in known if value.source is not None]
        held = [p for value in known for p in value.parameters]
        number = len(self.steps)
        self.steps.append(
            Recorded(
                name=self._unique(name),
                kind=kind,
                arguments=arguments,
                sources=tuple(value.source for value in whence if value.source is not None),
                inputs=tuple(_of_one_picture(value.tensor) for value in whence),
                output=_of_one_picture(outputs[0]),
                parameters=self._count([*own, *held]),
                macs=macs,
                window=window,
            )
        )
        self._keep(outputs, number, ())

    def _keep(
        self, outputs: list[torch.Tensor], source: int | None, parameters: tuple[Any, ...]
    ) -> None:
        for tensor in outputs:
            self.values[id(tensor)] = _Value(tensor, source, parameters)

    def _count(self, parameters: list[nn.Parameter]) -> int:
        fresh = {id(p): p.numel() for p in parameters if id(p) not in self._counted}
        self._counted |= set(fresh)
        return sum(fresh.values())

    def _unique(self, name: str) -> str:
        self._used[name] = times = self._used.get(name, 0) + 1
        return name if times == 1 else f"{name} ({times})"


class _Hooks:
    """On every module of the network while it runs, and off it afterwards."""

    def __init__(self, listener: _Listener) -> None:
        self._listener = listener
        self._handles: list[Any] = []

    def __enter__(self) -> None:
        for module in self._listener.network.modules():
            self._handles += [
                module.register_forward_pre_hook(self._before),
                module.register_forward_hook(self._after, with_kwargs=True),
            ]

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()

    def _before(self, module: nn.Module, _: Any) -> None:
        self._listener.enter(module)

    def _after(self, module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        self._listener.leave(module, args, kwargs, output)


def _is_leaf(module: nn.Module) -> bool:
    """One of PyTorch's own layers; those of others are told by the functions that they call."""
    if isinstance(module, _OPAQUE):
        return True
    is_own = type(module).__module__.startswith("torch.nn.")
    return is_own and not isinstance(module, nn.Sequential) and not list(module.children())


def _windows() -> tuple[type[nn.Module], ...]:
    return nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d


def _of_one_picture(tensor: torch.Tensor) -> Shape:
    """The shape without the batch; with it where windows of attention are put into it."""
    shape = tuple(tensor.shape)
    return shape[1:] if shape[:1] == (1,) else shape


def _tensors(values: Any) -> Iterator[torch.Tensor]:
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)
