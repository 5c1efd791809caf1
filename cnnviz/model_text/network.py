"""A blueprint as a network of PyTorch's: its layers made, its `forward` followed line by line.

A text is followed anew for each batch. That takes some microseconds a line, beside the layers'
own milliseconds, and leaves no step at which a text becomes code.
"""

from __future__ import annotations

import ast
import copy
import operator
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, Final, Protocol

import torch
from torch import nn

from cnnviz.errors import ModelTextError
from cnnviz.model_text import bounds
from cnnviz.model_text.arguments import bind
from cnnviz.model_text.blueprint import (
    Chain,
    Instance,
    Layer,
    NetworkText,
    Part,
)
from cnnviz.model_text.calls import arguments_of, bound_names
from cnnviz.model_text.catalogue import FUNCTIONS, LAYERS, METHODS
from cnnviz.model_text.expressions import Expressions
from cnnviz.model_text.operations import LAYER_CLASSES, OPERATIONS, TENSOR_METHODS
from cnnviz.model_text.places import meant, refusal
from cnnviz.model_text.syntax import Program

_REFUSED_BY_TORCH: Final = (RuntimeError, ValueError, TypeError, IndexError, AssertionError)


class Watch(Protocol):
    """Is told of each function that `forward` calls, and runs it."""

    def __call__(
        self, name: str, node: ast.AST, given: Mapping[str, Any], work: Callable[..., Any]
    ) -> Any:
        """Returns what `work(**given)` returns."""
        ...

    def calls(self, node: ast.AST) -> None:
        """Hears that `forward` is about to call a layer there."""
        ...


class OwnNetwork(nn.Module):
    """An object of a class of the text; `forward` follows the text's."""

    def __init__(
        self,
        program: Program,
        outer: Mapping[str, Any],
        made: Instance,
        parts: dict[str, nn.Module],
    ) -> None:
        super().__init__()
        self._program, self._outer, self._made = program, outer, made
        self.watch: Watch | None = None
        for name, module in parts.items():
            self.add_module(name, module)

    def forward(self, *inputs: torch.Tensor, **named: torch.Tensor) -> torch.Tensor:
        """What the text's forward returns."""
        forward = self._made.class_text.forward
        follower = _Follower(self, self._program, {}, self._outer)
        follower.names |= bound_names(
            follower, "forward", forward.place, forward, list(inputs), named
        )
        result: Any = None
        for statement in forward.body:
            result = follower.follow(statement)
        if not isinstance(result, torch.Tensor):
            raise refusal(forward.body[-1], "forward must return what a layer puts out")
        return result

    def part(self, name: str) -> nn.Module | None:
        """self.NAME, where it is a layer or a network."""
        return self._modules.get(name) if name in self._made.parts else None

    def own_value(self, name: str) -> Any:
        """self.NAME, where it is a number; KeyError if there is none."""
        return self.training if name == "training" else self._made.values[name]

    @property
    def self_name(self) -> str:
        """What the text's forward calls the network: self."""
        return self._made.class_text.forward.self_name

    def extra_repr(self) -> str:
        """Letters by which it is told apart from one of the same layers and another forward."""
        return f"text {sha256(self._program.text.encode()).hexdigest()[:8]}"

    def _get_name(self) -> str:
        return self._made.class_text.name

    def __deepcopy__(self, memo: dict[int, Any]) -> OwnNetwork:
        """With modules of its own; the text, which nobody changes, is shared."""
        twin = type(self).__new__(type(self))
        memo[id(self)] = twin
        shared = {"_program": self._program, "_outer": self._outer, "_made": self._made}
        rest = {name: value for name, value in vars(self).items() if name not in shared}
        twin.__dict__.update(shared | copy.deepcopy(rest, memo))
        return twin


class _Follower(Expressions):
    """Works out the lines of one forward."""

    def __init__(
        self,
        network: OwnNetwork,
        program: Program,
        names: dict[str, Any],
        outer: Mapping[str, Any],
    ) -> None:
        super().__init__(program, names, outer)
        self._network = network

    def follow(self, statement: ast.stmt) -> Any:
        """One line; what a return returns."""
        if isinstance(statement, ast.Return):
            assert statement.value is not None
            return self.value(statement.value)
        if isinstance(statement, ast.Assign):
            value = self.value(statement.value)
            for target in statement.targets:
                self.assign(target, value)
        elif isinstance(statement, ast.AugAssign):
            left = self.value(ast.copy_location(ast.Name(_id(statement), ast.Load()), statement))
            result = self.operate(statement, left, self.value(statement.value))
            self.assign(statement.target, result)
        elif isinstance(statement, ast.Expr):
            self.value(statement.value)
        return None

    def assign(self, target: ast.expr, value: Any) -> None:
        """To a name; the network itself stays as it was made."""
        if isinstance(target, ast.Attribute):
            raise refusal(target, "forward sets names only, such as x: self stays as it was made")
        if isinstance(target, ast.Name) and target.id == self._network.self_name:
            raise refusal(target, f"{target.id} must stay the network itself")
        super().assign(target, value)

    def attribute(self, node: ast.Attribute) -> Any:
        """self.NUMBER, or x.shape."""
        if self._is_self(node.value):
            if self._network.part(node.attr) is not None:
                raise refusal(node, f"self.{node.attr} is a layer: call it, self.{node.attr}(x)")
            return self._network.own_value(node.attr)
        of = self.value(node.value)
        if isinstance(of, torch.Tensor) and node.attr == "shape":
            return tuple(of.shape)
        raise refusal(node, f"the attribute {node.attr} is not read here")

    def call(self, node: ast.Call) -> Any:
        """A layer of self, a known function, or a known method of a tensor."""
        func = node.func
        if isinstance(func, ast.Attribute) and self._is_self(func.value):
            return self._call_part(node, func.attr)
        name = self.canonical(func)
        if name is not None:
            return self._call_function(node, name)
        if isinstance(func, ast.Attribute):
            of = self.value(func.value)
            if not isinstance(of, torch.Tensor) or func.attr not in METHODS:
                raise refusal(node, f"{func.attr}() is not known here{meant(func.attr, METHODS)}")
            given = bind(node, func.attr, METHODS[func.attr], *arguments_of(self, node))
            return self._run(func.attr, node, {"input": of, **given}, TENSOR_METHODS[func.attr])
        if isinstance(func, ast.Name) and func.id in self.program.classes:
            raise refusal(node, _MADE_HERE.format(func.id))
        raise refusal(node, "this call is not read here")

    def operate(self, node: ast.BinOp | ast.AugAssign, left: Any, right: Any) -> Any:
        """Also of tensors: x + y. `x += y` changes x in place, as it does in PyTorch."""
        if not (isinstance(left, torch.Tensor) or isinstance(right, torch.Tensor)):
            return super().operate(node, left, right)
        for side in (left, right):
            if not isinstance(side, torch.Tensor | int | float):
                raise refusal(node, "only what layers put out and numbers are added or multiplied")
        table = _IN_PLACE if isinstance(node, ast.AugAssign) else _BETWEEN
        found = table.get(type(node.op))
        if found is None:
            raise refusal(node, "of what layers put out, only + - * / are read")
        sign, work = found
        return self._run(
            sign, node, {"input": left, "other": right}, lambda input, other: work(input, other)
        )

    def negate(self, node: ast.UnaryOp, value: Any) -> Any:
        """Also of tensors."""
        if isinstance(value, torch.Tensor):
            return -value if isinstance(node.op, ast.USub) else value
        return super().negate(node, value)

    def _call_part(self, node: ast.Call, name: str) -> Any:
        part = self._network.part(name)
        if part is None:
            raise refusal(node, f"self.{name} is no layer: it cannot be called")
        positional, keywords = arguments_of(self, node)
        for given in (*positional, *keywords.values()):
            if not isinstance(given, torch.Tensor):
                raise refusal(node, f"self.{name} takes what a layer puts out, such as x")
        if not isinstance(part, OwnNetwork) and (len(positional) != 1 or keywords):
            raise refusal(node, f"self.{name} takes one input")
        if (watch := self._network.watch) is not None:
            watch.calls(node)
        return part(*positional, **keywords)

    def _call_function(self, node: ast.Call, name: str) -> Any:
        if name not in FUNCTIONS:
            last = name.rpartition(".")[2]
            if name.removeprefix("torch.nn.") in LAYERS or last == "Sequential":
                raise refusal(node, _MADE_HERE.format(last))
            known = {each.rpartition(".")[2] for each in FUNCTIONS}
            raise refusal(node, f"{last} is no function that is known here{meant(last, known)}")
        given = bind(node, name.rpartition(".")[2], FUNCTIONS[name], *arguments_of(self, node))
        return self._run(name, node, given, OPERATIONS[name])

    def _run(
        self, name: str, node: ast.AST, given: Mapping[str, Any], work: Callable[..., Any]
    ) -> Any:
        watch = self._network.watch
        return work(**given) if watch is None else watch(name, node, given, work)

    def _is_self(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Name) and node.id == self._network.self_name


def build_layer(layer: Layer) -> nn.Module:
    """The layer, with fresh weights; ModelTextError if PyTorch does not take its arguments."""
    try:
        return LAYER_CLASSES[layer.kind](**layer.arguments)
    except _REFUSED_BY_TORCH as error:
        raise refusal(layer.place, f"PyTorch makes no such {layer.kind}: {error}") from None


def build_network(text: NetworkText) -> tuple[nn.Module, dict[nn.Module, Layer]]:
    """The network with fresh weights, and which layer of the text each of its modules is.

    Weights are drawn in the order in which Python would draw them if it ran the text.
    """
    made: dict[int, nn.Module] = {id(layer): build_layer(layer) for layer in text.layers}
    origin = {made[id(layer)]: layer for layer in text.layers}

    def assembled(part: Part) -> nn.Module:
        if id(part) not in made:
            inner = part.parts if isinstance(part, Chain) else tuple(_parts(part))
            modules = {name: assembled(each) for name, each in inner}
            if isinstance(part, Instance):
                made[id(part)] = OwnNetwork(text.program, text.outer, part, modules)
            else:
                chain = made[id(part)] = nn.Sequential()
                for name, module in modules.items():
                    chain.add_module(name, module)
        return made[id(part)]

    network = assembled(text.root)
    if (count := sum(p.numel() for p in network.parameters())) > bounds.MAX_PARAMETERS:
        raise ModelTextError(
            f"the network has {count:,} parameters: use at most {bounds.MAX_PARAMETERS:,}"
        )
    return network, origin


def _parts(part: Part) -> list[tuple[str, Part]]:
    return list(part.parts.items()) if isinstance(part, Instance) else []


def _id(statement: ast.AugAssign) -> str:
    assert isinstance(statement.target, ast.Name)
    return statement.target.id


_MADE_HERE: Final = (
    "{} is made anew in every forward here, with new weights each time: make it in __init__, as "
    "self.name = ..."
)
_BETWEEN: Final[Mapping[type[ast.operator], tuple[str, Callable[[Any, Any], Any]]]] = {
    ast.Add: ("+", operator.add),
    ast.Sub: ("-", operator.sub),
    ast.Mult: ("*", operator.mul),
    ast.Div: ("/", operator.truediv),
}
_IN_PLACE: Final[Mapping[type[ast.operator], tuple[str, Callable[[Any, Any], Any]]]] = {
    ast.Add: ("+=", operator.iadd),
    ast.Sub: ("-=", operator.isub),
    ast.Mult: ("*=", operator.imul),
    ast.Div: ("/=", operator.itruediv),
}
