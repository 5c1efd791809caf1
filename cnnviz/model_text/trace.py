"""One batch's way through a text's network, by shapes alone, up to the first layer that fits not.

All is done on the device "meta", where tensors have a shape and no numbers: neither memory nor
time grows with the network. PyTorch's words for a layer that does not fit are those that it has
for real numbers: that one layer is run once more on the processor, where it is small enough.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import torch
from torch import nn

from cnnviz.errors import ModelTextError
from cnnviz.evaluation_mode import evaluation_mode
from cnnviz.layers import count_macs, count_parameters
from cnnviz.model_text import bounds
from cnnviz.model_text.blueprint import Layer, NetworkText
from cnnviz.model_text.network import OwnNetwork, build_layer, build_network
from cnnviz.model_text.places import Place, refusal
from cnnviz.model_text.steps import Misfit, Shape, Step, Traced

BATCH: Final = 2
"""Pictures: more than one, so that a text that mixes them is found out."""
_REFUSALS: Final = (RuntimeError, ValueError, TypeError, IndexError, AssertionError)
_SMALL: Final = 2**22
"""Numbers of a layer and its input, up to which it is run with real ones for PyTorch's words."""


def trace_text(text: NetworkText, input_shape: tuple[int, int, int]) -> Traced:
    """Passes pictures (C, H, W) through the network of a text.

    ModelTextError for what is not read of its forward, and for what is too large.
    """
    with torch.device("meta"):
        network, origin = build_network(text)
        image = torch.zeros(BATCH, *input_shape)
    watcher = _Watcher(network, origin)
    misfit = None
    with torch.no_grad(), evaluation_mode(network), watcher:
        try:
            output = network(image)
            _check_batch(watcher, output)
        except _Mixed as mixed:
            misfit = watcher.misfit(None, mixed.shape)
        except ModelTextError:
            raise
        except _REFUSALS as error:
            misfit = watcher.misfit(watcher.words_of(error), None)
        except RecursionError:
            raise ModelTextError("the text is nested too deeply") from None
    return Traced(text, input_shape, tuple(watcher.steps), misfit, count_parameters(network))


class _Mixed(Exception):
    """A function has joined or divided the pictures of a batch."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape


def _check_batch(watcher: _Watcher, output: torch.Tensor) -> None:
    if output.dim() == 0 or output.shape[0] != BATCH:
        raise _Mixed(tuple(output.shape))


@dataclass(slots=True)
class _Now:
    """What is being computed."""

    name: str
    kind: str
    arguments: Mapping[str, Any]
    place: Place
    used_at: Place | None
    tensors: tuple[torch.Tensor, ...]
    again: Callable[[], Any]
    """Computes it with real numbers."""
    call: ast.AST
    is_in_chain: bool = False


@dataclass(eq=False)
class _Watcher:
    """Notes every layer and every function of a passage, by hooks and by what forward tells."""

    network: nn.Module
    origin: Mapping[nn.Module, Layer]
    steps: list[Step] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.now: _Now | None = None
        self._calls = 0
        self._called_at: Place | None = None
        self._counted: set[nn.Module] = set()
        self._handles: list[Any] = []
        self._names = {module: name for name, module in self.network.named_modules()}

    def __enter__(self) -> None:
        for module in self.network.modules():
            self._handles.append(module.register_forward_pre_hook(self._count))
            if isinstance(module, OwnNetwork):
                module.watch = self
            elif module in self.origin:
                self._handles += [
                    module.register_forward_pre_hook(self._before),
                    module.register_forward_hook(self._after),
                ]

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()
        for module in self.network.modules():
            if isinstance(module, OwnNetwork):
                module.watch = None

    def calls(self, node: ast.AST) -> None:
        """Hears that forward is about to call a layer there."""
        self._called_at = Place.of(node)

    def __call__(
        self, name: str, node: ast.AST, given: Mapping[str, Any], work: Callable[..., Any]
    ) -> Any:
        """Runs a function of forward, and notes it."""
        self._count()
        tensors = tuple(_tensors(given.values()))
        plain = {key: value for key, value in given.items() if not list(_tensors([value]))}
        self.now = _Now(
            _short(name),
            name,
            plain,
            Place.of(node),
            None,
            tensors,
            lambda: work(**{key: _real(value) for key, value in given.items()}),
            node,
        )
        _check_dim(plain.get("dim"), tensors)
        result = work(**given)
        if isinstance(result, torch.Tensor):
            self._note(result, parameters=0, macs=0)
        return result

    def misfit(self, message: str | None, output: Shape | None) -> Misfit:
        """What was being computed when it ended."""
        now = self.now
        if now is None:
            raise ModelTextError("the network does not take a picture")
        return Misfit(
            name=now.name,
            kind=now.kind,
            arguments=now.arguments,
            place=now.place,
            used_at=now.used_at,
            inputs=tuple(_without_batch(tensor) for tensor in now.tensors),
            message=message,
            output=output,
            before=tuple(self.steps),
            is_in_chain=now.is_in_chain,
            call=now.call,
        )

    def words_of(self, error: Exception) -> str:
        """What PyTorch says of this with real numbers; its words for "meta" if that is too large.

        Its names for a size differ there.
        """
        words: BaseException = error
        if self.now is not None and self._is_small(self.now):
            try:
                with torch.random.fork_rng(devices=[]), torch.device("cpu"):
                    self.now.again()
            except _REFUSALS as real:
                words = real
        return " ".join(str(words).split())

    def _is_small(self, now: _Now) -> bool:
        numbers = sum(tensor.numel() for tensor in now.tensors)
        layer = next((m for m, n in self._names.items() if n == now.name), None)
        if layer is not None:
            numbers += count_parameters(layer)
        return numbers <= _SMALL

    def _count(self, *_: object) -> None:
        self._calls += 1
        if self._calls > bounds.MAX_CALLS:
            raise ModelTextError(
                f"a picture passes more than {bounds.MAX_CALLS:,} layers and functions"
            )

    def _before(self, module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        layer = self.origin[module]
        name = self._names[module]
        in_own = isinstance(self.network, OwnNetwork)

        def again() -> Any:
            real = build_layer(layer).eval()
            return real(*(torch.zeros(tensor.shape) for tensor in inputs))

        self.now = _Now(
            name,
            layer.kind,
            layer.arguments,
            layer.place,
            self._called_at if in_own else None,
            inputs,
            again,
            layer.call,
            name.rpartition(".")[2].isdecimal(),
        )
        _check_dim(layer.arguments.get("dim"), inputs)

    def _after(self, module: nn.Module, inputs: Any, output: torch.Tensor) -> None:
        parameters = 0 if module in self._counted else count_parameters(module)
        self._counted.add(module)
        self._note(output, parameters=parameters, macs=count_macs(module, output))

    def _note(self, output: torch.Tensor, *, parameters: int, macs: int) -> None:
        now = self.now
        assert now is not None
        if output.numel() > BATCH * bounds.MAX_CELLS:
            raise refusal(
                now.used_at or now.place,
                f"{now.name} would put out {output.numel() // BATCH:,} numbers for one picture: "
                f"use a smaller picture or fewer channels (at most {bounds.MAX_CELLS:,})",
            )
        if output.dim() == 0 or output.shape[0] != BATCH:
            raise _Mixed(tuple(output.shape))
        self.steps.append(
            Step(
                name=now.name,
                kind=now.kind,
                arguments=now.arguments,
                place=now.place,
                used_at=now.used_at,
                inputs=tuple(_without_batch(tensor) for tensor in now.tensors),
                output=tuple(output.shape[1:]),
                parameters=parameters,
                macs=macs,
            )
        )


def _check_dim(dim: Any, tensors: tuple[torch.Tensor, ...]) -> None:
    """On "meta" PyTorch lets a dimension pass that is not there."""
    if isinstance(dim, int) and tensors and not -(n := tensors[0].dim()) <= dim < n:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {dim})"
        )


def _tensors(values: Any) -> Any:
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)


def _without_batch(tensor: torch.Tensor) -> Shape:
    return tuple(tensor.shape[1:])


def _short(name: str) -> str:
    """torch.nn.functional.relu as students write it: F.relu."""
    return name.replace("torch.nn.functional.", "F.")


def _real(value: Any) -> Any:
    """Zeros on the processor in place of tensors without numbers."""
    if isinstance(value, torch.Tensor):
        return torch.zeros(value.shape, device="cpu")
    if isinstance(value, list | tuple):
        return [_real(each) for each in value]
    return value
