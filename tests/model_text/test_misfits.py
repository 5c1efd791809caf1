"""The first layer that does not fit: where it is, PyTorch's own words, and a fix that works."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
import torch

from cnnviz.architecture.formulas import parameter_formula, size_formula
from cnnviz.geometry import ConvSpec, PoolSpec
from cnnviz.model_text.blueprint import read_network
from cnnviz.model_text.examples import EXAMPLES
from cnnviz.model_text.misfits import explain
from cnnviz.model_text.trace import BATCH, trace_text
from tests.model_text.test_network import by_python


@dataclass(frozen=True)
class Case:
    """Lines of __init__ and forward, and what is said of them."""

    layers: str
    forward: str
    name: str
    says: str
    fix: str
    is_mended: bool = False

    @property
    def text(self) -> str:
        made = "".join(f"\n        {line}" for line in self.layers.split("\n"))
        passed = "".join(f"\n        {line}" for line in self.forward.split("\n"))
        return (
            "class N(nn.Module):\n    def __init__(self):\n        super().__init__()"
            f"{made}\n    def forward(self, x):{passed}\n        return x"
        )


CONV = "self.c = nn.Conv2d(3, 6, 5)\n"
CASES = [
    Case(
        CONV + "self.fc = nn.Linear(256, 10)",
        "x = F.max_pool2d(self.c(x), 2)\nx = torch.flatten(x, 1)\nx = F.relu(self.fc(x))",
        "fc",
        "fc expects 256 numbers, but 6·6·6 = 216 arrive.",
        "Write nn.Linear(216, 10).",
        True,
    ),
    Case(
        CONV + "self.fc = nn.Linear(out_features=10, in_features=16*5*5)",
        "x = self.c(x).flatten(1)\nx = self.fc(x)",
        "fc",
        "fc expects 400 numbers, but 6·12·12 = 864 arrive.",
        "Write nn.Linear(out_features=10, in_features=864).",
        True,
    ),
    Case(
        CONV + "self.fc = nn.Linear(6 * 12 * 12, 10)",
        "x = self.fc(self.c(x))",
        "fc",
        "fc expects a row of 864 numbers, but a map of 6 × 12 × 12 arrives",
        "Write x = torch.flatten(x, 1) before it; fc then takes all 864 numbers.",
    ),
    Case(
        CONV + "self.d = nn.Conv2d(3, 8, 3)",
        "x = self.d(self.c(x))",
        "d",
        "d expects 3 channels, but 6 arrive",
        "Write nn.Conv2d(6, 8, 3).",
        True,
    ),
    Case(
        CONV + "self.d = nn.Conv2d(6, 8, 13)",
        "x = self.d(self.c(x))",
        "d",
        "Maps of 12 × 12 arrive at d, but its window reaches over 13 × 13",
        "Give it padding=1",
    ),
    Case(
        CONV + "self.d = nn.Conv2d(864, 8, 3)",
        "x = self.d(self.c(x).flatten(1))",
        "d",
        "d needs a map (channels, height, width), but a row of 864 numbers arrives",
        "Flatten after the last convolution",
    ),
    Case(
        CONV + "self.p = nn.AvgPool2d(14, padding=0)",
        "x = self.p(self.c(x))",
        "p",
        "Maps of 12 × 12 arrive at p, but its window reaches over 14 × 14",
        "Leave out a pooling",
    ),
    Case(
        CONV,
        "x = F.max_pool2d(self.c(x), 2, padding=2)",
        "F.max_pool2d",
        "The padding of F.max_pool2d, 2, is more than half of its kernel, 2",
        "smaller padding",
    ),
    Case(
        CONV + "self.n = nn.BatchNorm2d(8)",
        "x = self.n(self.c(x))",
        "n",
        "n expects 8 channels, but 6 arrive",
        "Write nn.BatchNorm2d(6).",
        True,
    ),
    Case(
        CONV + "self.n = nn.BatchNorm2d(864)",
        "x = self.n(self.c(x).flatten(1))",
        "n",
        "n is for maps (channels, height, width), but a row of 864 numbers arrives",
        "Write nn.BatchNorm1d(864)",
    ),
    Case(
        CONV,
        "x = self.c(x)\nx = x.view(-1, 500)",
        "view",
        "6·12·12 = 864 numbers of each picture arrive, which cannot be laid out in rows of 500",
        "Write torch.flatten(x, 1)",
    ),
    Case(
        CONV,
        "y = self.c(x)\nx = x + y",
        "+",
        "3 × 16 × 16 and 6 × 12 × 12 cannot be added",
        "Use padding that keeps height and width",
    ),
    Case(
        "self.c = nn.Conv2d(3, 6, 1)",
        "y = self.c(x)\ny += x",
        "+=",
        "6 × 16 × 16 and 3 × 16 × 16 cannot be added",
        "nn.Conv2d(6, 3, 1)",
    ),
    Case(
        CONV,
        "x = torch.cat([x, self.c(x)], 1)",
        "torch.cat",
        "torch.cat joins what differs in one dimension only",
        "Join along the channels",
    ),
    Case(
        CONV + "self.s = nn.Softmax(dim=4)",
        "x = self.s(self.c(x))",
        "s",
        "s does not take what arrives: 6 × 12 × 12.",
        "Compare with PyTorch's message",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.name}: {case.fix[:24]}")
def test_what_does_not_fit_is_explained(case: Case) -> None:
    traced = trace_text(read_network(case.text), (3, 16, 16))
    misfit = traced.misfit
    assert misfit is not None
    assert misfit.name == case.name
    with torch.no_grad(), pytest.raises((RuntimeError, ValueError, IndexError)) as real:
        by_python(case.text).eval()(torch.zeros(BATCH, 3, 16, 16))
    assert misfit.message == " ".join(str(real.value).split())
    line = case.text.split("\n")[misfit.place.line - 1]
    made = f"self.{case.name} = "
    assert made in line if made in case.text else misfit.used_at is None
    explained = explain(misfit, traced.text.text)
    assert case.says in explained.sentence
    assert case.fix in explained.fix
    assert (explained.mend is not None) == case.is_mended
    if explained.mend is not None:
        again = trace_text(read_network(explained.mend.apply(traced.text.text)), (3, 16, 16))
        assert again.misfit is None


def test_the_classical_mistake() -> None:
    text = EXAMPLES["fc"].text
    traced = trace_text(read_network(text), (3, 32, 32))
    misfit = traced.misfit
    assert misfit is not None
    assert text.split("\n")[misfit.place.line - 1].strip() == "self.fc1 = nn.Linear(256, 120)"
    assert misfit.used_at is not None
    assert "self.fc1(x)" in text.split("\n")[misfit.used_at.line - 1]
    explained = explain(misfit, text)
    assert explained.sentence == "fc1 expects 256 numbers, but 16·5·5 = 400 arrive."
    assert explained.fix == "Write nn.Linear(400, 120)."
    assert explained.mend is not None
    mended = trace_text(read_network(explained.mend.apply(text)), (3, 32, 32))
    assert mended.output == (10,)


def test_in_a_chain_the_layer_itself_is_marked() -> None:
    text = "nn.Sequential(\n  nn.Conv2d(3, 6, 5),\n  nn.Sequential(nn.ReLU(), nn.Linear(6, 1)),\n)"
    misfit = trace_text(read_network(text), (3, 16, 16)).misfit
    assert misfit is not None
    assert (misfit.name, misfit.place.line, misfit.used_at) == ("1.1", 3, None)
    assert "Write nn.Flatten() before it" in explain(misfit, text).fix


@pytest.mark.parametrize("line", ["x = x.view(-1, 100)", "x = x.flatten()", "x = x.view(1, -1)"])
def test_pictures_that_are_mixed(line: str) -> None:
    """PyTorch lets this pass, so that a student finds out much later."""
    case = Case("self.c = nn.Conv2d(3, 2, 7)", f"x = self.c(x)\n{line}", "", "", "")
    with torch.no_grad():
        output = by_python(case.text)(torch.zeros(BATCH, 3, 16, 16))
    misfit = trace_text(read_network(case.text), (3, 16, 16)).misfit
    assert misfit is not None
    assert misfit.message is None
    assert misfit.output == tuple(output.shape)
    explained = explain(misfit, case.text)
    assert f"2 go in, and {output.shape[0]:,} row" in explained.sentence
    assert "2·10·10 = 200 numbers of each picture" in explained.fix


@pytest.mark.parametrize(
    ("layer", "spec"),
    [
        ("nn.Conv2d(3, 4, 3, 2, 1)", ConvSpec(3, 2, 1)),
        ("nn.Conv2d(3, 4, (3, 5), padding=(1, 0), dilation=2)", ConvSpec((3, 5), 1, (1, 0), 2)),
        ("nn.Conv2d(3, 4, 3, padding='same')", ConvSpec(3, padding="same")),
        ("nn.MaxPool2d(3, 2, ceil_mode=True)", PoolSpec("max", 3, 2, ceil_mode=True)),
        ("nn.AvgPool2d((2, 3))", PoolSpec("average", (2, 3))),
    ],
)
def test_formulas_end_in_the_size(layer: str, spec: ConvSpec | PoolSpec) -> None:
    (step,) = trace_text(read_network(layer), (3, 17, 12)).steps
    assert step.output[1:] == spec.output_size(17, 12)
    parts = size_formula(step).split(";  ")
    sizes = step.output[1:] if len(parts) == 2 else step.output[1:2]
    for part, size, before in zip(parts, sizes, (17, 12), strict=False):
        if "same" in part:
            assert part.startswith(f"{size},")
            continue
        left, right = part.split(" = ")
        assert int(right) == size
        assert str(before) in left
        rounds = "ceil" if "⌈" in left else "floor"
        for sign, plain in (("·", "*"), ("−", "-"), ("⌈", "ceil("), ("⌊", "floor(")):
            left = left.replace(sign, plain)
        worked = eval(left.replace("⌉", ")").replace("⌋", ")"), {rounds: getattr(math, rounds)})
        assert worked == size


@pytest.mark.parametrize(
    "layer",
    ["nn.Conv2d(4, 6, 3, bias=False)", "nn.Conv2d(4, 6, (1, 2), groups=2)", "nn.Linear(5, 2)"],
)
def test_parameters_are_what_their_formula_gives(layer: str) -> None:
    picture = (5, 5, 5) if "Linear" in layer else (4, 5, 5)
    (step,) = trace_text(read_network(layer), picture).steps
    assert eval(parameter_formula(step).replace("·", "*")) == step.parameters
