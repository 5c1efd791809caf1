"""The layers that a text makes, with their arguments, in the order in which it makes them.

Nothing of PyTorch is needed to know them, nor is any made: a text is read here wherever one comes
in, also where no PyTorch is loaded.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from cnnviz.errors import ModelTextError
from cnnviz.model_text import bounds
from cnnviz.model_text.arguments import bind
from cnnviz.model_text.calls import arguments_of, bound_names
from cnnviz.model_text.catalogue import LAYERS, NORMS, OWN_NAMES
from cnnviz.model_text.expressions import PLAIN, Expressions, Work
from cnnviz.model_text.places import Place, meant, refusal
from cnnviz.model_text.syntax import ClassText, Program, read_program

_LAYER: Final = "torch.nn."


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A layer of PyTorch's: nn.Conv2d(1, 6, 5)."""

    kind: str
    """Conv2d"""
    arguments: Mapping[str, Any]
    """What was given, by name."""
    place: Place
    call: ast.Call


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """nn.Sequential: one part after the other."""

    parts: tuple[tuple[str, Part], ...]
    """(name, part)"""
    place: Place


@dataclass(frozen=True, slots=True, eq=False)
class Instance:
    """An object of a class of the text."""

    class_text: ClassText
    parts: dict[str, Part]
    """self.NAME -> part"""
    values: dict[str, Any]
    """self.NAME -> a number, or another plain value"""
    place: Place


Part = Layer | Chain | Instance


@dataclass(frozen=True, slots=True, eq=False)
class NetworkText:
    """A text that was read whole: what it makes, and how a picture passes through it."""

    program: Program
    root: Part
    layers: tuple[Layer, ...]
    """All that are made, in that order: so their first weights are drawn."""
    outer: Mapping[str, Any]
    """Names that are given outside of classes."""
    made_by: ast.Assign | ast.Expr | None
    """The line outside of classes that makes the network; None if it is the last class."""

    @property
    def text(self) -> str:
        """As it is kept."""
        return self.program.text

    @property
    def name(self) -> str:
        """What the network is called: its class, or Sequential."""
        if isinstance(self.root, Instance):
            return self.root.class_text.name
        return "Sequential"

    @property
    def has_batch_norm(self) -> bool:
        """Whether any of its layers is a batch normalization."""
        return any(layer.kind in NORMS for layer in self.layers)


@lru_cache(maxsize=64)
def read_network(text: str) -> NetworkText:
    """Reads nn.Sequential(...), or classes of the ordinary kind, the last of which is the network.

    ModelTextError names the line of whatever is not read here. Nothing is executed.
    """
    try:
        program = read_program(text)
        maker = _Maker(program, {}, {}, _Made())
        root, made_by = _run_outside(program, maker)
    except RecursionError:
        raise ModelTextError("the text is nested too deeply") from None
    if not maker.made.layers:
        raise ModelTextError("the network has no layers: write some of nn.Conv2d, nn.Linear, ...")
    return NetworkText(program, root, tuple(maker.made.layers), dict(maker.names), made_by)


def _run_outside(program: Program, maker: _Maker) -> tuple[Part, ast.Assign | ast.Expr | None]:
    """What stands outside of classes. The network is the last one made, else the last class."""
    root: Part | None = None
    value: Any
    made_by: ast.Assign | ast.Expr | None = None
    for statement in program.statements:
        if isinstance(statement, ast.Assign):
            value = maker.value(statement.value)
            for target in statement.targets:
                maker.assign(target, value)
        else:
            value = maker.value(statement.value)
            if not isinstance(value, Layer | Chain | Instance):
                raise refusal(statement, "this makes no network")
        if isinstance(value, Layer | Chain | Instance):
            root, made_by = value, statement
    if root is not None and not (isinstance(root, Layer) and program.classes):
        name = made_by.targets[0] if isinstance(made_by, ast.Assign) else None
        if isinstance(name, ast.Name) and maker.names.get(name.id) is not root:
            raise refusal(name, f"{name.id} is a network here, and something else below")
        return root, made_by
    if program.classes:
        last, class_text = list(program.classes.items())[-1]
        return maker.instance(last, class_text.place, [], {}), None
    raise ModelTextError("there is no network in it: write nn.Sequential(...) or a class")


@dataclass(slots=True)
class _Made:
    """What was made so far, by all that make."""

    layers: list[Layer] = field(default_factory=list)
    parts: int = 0
    depth: int = 0
    work: Work = field(default_factory=Work)
    sizes: dict[Chain | Instance, tuple[int, int]] = field(default_factory=dict)
    """(parts, depth) of those that hold others; PyTorch goes through them part by part, and through
    one that is in several others several times."""

    def count(self, where: ast.AST | Place) -> None:
        self.parts += 1
        if self.parts > bounds.MAX_LAYERS:
            raise refusal(where, f"the network has more than {bounds.MAX_LAYERS} layers")

    def measure(self, made: Chain | Instance, inner: list[Part]) -> None:
        """Refuses what unfolds to too much."""
        sizes = [(1, 1) if isinstance(part, Layer) else self.sizes[part] for part in inner]
        count = 1 + sum(size for size, _ in sizes)
        depth = 1 + max((depth for _, depth in sizes), default=0)
        if count > bounds.MAX_UNFOLDED or depth > 2 * bounds.MAX_DEPTH:
            raise refusal(made.place, "layers within layers, too many or too deep")
        self.sizes[made] = count, depth


class _Maker(Expressions):
    """Works out what stands outside of classes, or in an `__init__`."""

    def __init__(
        self,
        program: Program,
        names: dict[str, Any],
        outer: Mapping[str, Any],
        made: _Made,
        self_name: str = "",
    ) -> None:
        super().__init__(program, names, outer)
        self.made, self.work = made, made.work
        self.self_name = self_name
        self.parts: dict[str, Part] = {}
        self.own_values: dict[str, Any] = {}

    def assign(self, target: ast.expr, value: Any) -> None:
        """To a name, or to an attribute of self."""
        if not isinstance(target, ast.Attribute):
            if isinstance(target, ast.Name) and target.id == self.self_name:
                raise refusal(target, f"{target.id} must stay the network itself")
            super().assign(target, value)
            return
        name = target.attr
        if not (isinstance(target.value, ast.Name) and target.value.id == self.self_name):
            raise refusal(target, "only attributes of self can be set")
        if name in OWN_NAMES:
            raise refusal(target, f"nn.Module has {name} for itself: use another name")
        self.parts.pop(name, None)
        self.own_values.pop(name, None)
        if isinstance(value, Layer | Chain | Instance):
            self.parts[name] = value
        else:
            if _holds_part(value):
                raise refusal(target, "layers in a list are not part of the network: nn.Sequential")
            self.own_values[name] = value

    def attribute(self, node: ast.Attribute) -> Any:
        """self.name, as far as it was set."""
        if isinstance(node.value, ast.Name) and node.value.id == self.self_name:
            for known in (self.parts, self.own_values):
                if node.attr in known:
                    return known[node.attr]
            names = [*self.parts, *self.own_values]
            raise refusal(node, f"there is no self.{node.attr} yet{meant(node.attr, names)}")
        raise refusal(node, f"the attribute {node.attr} is not read here")

    def call(self, node: ast.Call) -> Any:
        """A layer, a chain, an object of a class of the text."""
        if isinstance(node.func, ast.Name) and node.func.id in self.program.classes:
            positional, keywords = self._arguments(node)
            return self.instance(node.func.id, node, positional, keywords)
        name = self.canonical(node.func)
        if name == "torch.nn.Sequential":
            return self._chain(node)
        if name == "collections.OrderedDict":
            positional, keywords = self._arguments(node)
            if len(positional) != 1 or keywords:
                raise refusal(node, "OrderedDict takes one list of (name, layer)")
            return _Named(positional[0])
        if name is None:
            raise refusal(node, "this call is not read here: layers are, as in nn.Conv2d(...)")
        if not name.startswith(_LAYER) or (kind := name.removeprefix(_LAYER)) not in LAYERS:
            last = name.rpartition(".")[2]
            raise refusal(node, f"{last} is no layer that is known here{meant(last, LAYERS)}")
        positional, keywords = self._arguments(node)
        arguments = bind(node, kind, LAYERS[kind], positional, keywords)
        layer = Layer(kind, arguments, Place.of(node), node)
        self.made.count(node)
        self.made.layers.append(layer)
        return layer

    def instance(
        self, name: str, where: ast.AST | Place, positional: list[Any], keywords: dict[str, Any]
    ) -> Instance:
        """An object of a class of the text: its `__init__` followed line by line."""
        class_text = self.program.classes[name]
        self.made.count(where)
        self.made.depth += 1
        if self.made.depth > bounds.MAX_DEPTH:
            raise refusal(where, f"networks within networks, more than {bounds.MAX_DEPTH} deep")
        init = class_text.init
        outer = self.outer or self.names
        names = bound_names(self, name, where, init, positional, keywords)
        inner = _Maker(self.program, names, outer, self.made, init.self_name)
        for statement in init.body[1:]:
            if isinstance(statement, ast.Assign):
                value = inner.value(statement.value)
                for target in statement.targets:
                    inner.assign(target, value)
            elif not isinstance(statement, ast.Pass):
                raise refusal(statement, "__init__ is read line by line: write self.name = ...")
        self.made.depth -= 1
        place = where if isinstance(where, Place) else Place.of(where)
        made = Instance(class_text, inner.parts, inner.own_values, place)
        self.made.measure(made, list(inner.parts.values()))
        _check_self(made)
        return made

    def _arguments(self, node: ast.Call) -> tuple[list[Any], dict[str, Any]]:
        return arguments_of(self, node)

    def _chain(self, node: ast.Call) -> Chain:
        positional, keywords = self._arguments(node)
        if keywords:
            raise refusal(node, "nn.Sequential takes layers only")
        self.made.count(node)
        if len(positional) == 1 and isinstance(positional[0], _Named):
            named = positional[0].pairs(node)
        else:
            named = [(str(number), part) for number, part in enumerate(positional)]
        for number, (_, part) in enumerate(named):
            if not isinstance(part, Layer | Chain | Instance):
                where = node.args[number] if number < len(node.args) else node
                raise refusal(where, "nn.Sequential takes layers only, such as nn.ReLU()")
        chain = Chain(tuple(named), Place.of(node))
        self.made.measure(chain, [part for _, part in named])
        return chain


class _Named:
    """OrderedDict([(name, layer), ...])."""

    def __init__(self, pairs: Any) -> None:
        self._pairs = pairs

    def pairs(self, node: ast.AST) -> list[tuple[str, Any]]:
        """Checked; a name that comes twice stands where it came first, as in Python."""
        found: dict[str, Any] = {}
        for pair in self._pairs if isinstance(self._pairs, list | tuple) else [None]:
            name, part = pair if isinstance(pair, list | tuple) and len(pair) == 2 else (0, 0)
            if not (isinstance(name, str) and name.isidentifier() and name.isascii()):
                raise refusal(node, 'OrderedDict takes a list of ("name", layer)')
            if name in OWN_NAMES or name.startswith("_") or len(name) > bounds.MAX_NAME:
                raise refusal(node, f"no layer can be called {name:.{bounds.MAX_NAME}}")
            found[name] = part
        return list(found.items())


def _holds_part(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(_holds_part(each) for each in value)
    return not isinstance(value, PLAIN)


def _check_self(made: Instance) -> None:
    """Whatever forward takes of self must be there: known without following it."""
    forward = made.class_text.forward
    known = {*made.parts, *made.values, "training"}
    for statement in forward.body:
        for node in ast.walk(statement):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == forward.self_name
                and node.attr not in known
            ):
                raise refusal(
                    node,
                    f"there is no self.{node.attr}: __init__ makes "
                    f"{', '.join(list(made.parts)[:12]) or 'nothing'}{meant(node.attr, known)}",
                )
