"""What is not the text of a network is refused with a reason and a line, and never executed."""

from __future__ import annotations

import ast
import sys
import time
import zlib
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import cnnviz.model_text
from cnnviz.errors import ModelTextError
from cnnviz.model_text import bounds
from cnnviz.model_text.blueprint import read_network
from cnnviz.model_text.link import MAX_LINK, pack_text, unpack_text
from cnnviz.model_text.settings import PasteSettings, read_paste_settings
from cnnviz.model_text.trace import trace_text
from tests.model_text.valid import VALID

CLASS = """class N(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 10)
        {init}
    def forward(self, x):
        {forward}
        return self.fc(x)
"""


def in_init(line: str) -> str:
    return CLASS.format(init=line, forward="pass")


def in_forward(line: str) -> str:
    return CLASS.format(init="pass", forward=line)


HOSTILE = [
    ("import os\nnn.ReLU()", 1, "import of os is not allowed"),
    ("from os import system as nn\nnn.ReLU()", 1, "import of os.system is not allowed"),
    ("from torch import load\nnn.ReLU()", 1, "import of torch.load is not allowed"),
    ("from torch.nn import *\nnn.ReLU()", 1, "is not read here|not allowed"),
    ("nn.ReLU()\nimport torch", 2, "imports belong at the top"),
    ("__import__('os').system('x')", 1, "two underscores"),
    ("nn.Linear.__init__(3)", 1, "attribute __init__ is not allowed"),
    ("nn._reduction", 1, "attribute _reduction is not allowed"),
    ("nn.Sequential(\n  nn.ReLU(),\n  eval('1'))", 3, "nothing of a text is executed"),
    ("nn.Linear(9**9**9, 1)", 1, "power is too large"),
    ("nn.Linear(2**16**16, 1)", 1, "a number beyond"),
    ("nn.Linear(65536 * 65536, 1)", 1, "a number beyond"),
    ("nn.Linear(" + "9" * 30 + ", 1)", 1, "more than 20 digits"),
    ("nn.Linear(2 ** 21, 1)", 1, "in_features of Linear is 2097152: use a whole number from 1"),
    ("nn.Linear(4 / 0, 1)", 1, "divides by 0"),
    ("nn.Linear(4 / 2, 1)", 1, "in_features of Linear is 2.0"),
    ("nn.Linear(True, 1)", 1, "in_features of Linear is True"),
    ("nn.Linear('4', 1)", 1, "in_features of Linear is '4'"),
    ("nn.Linear(4)", 1, "Linear needs out_features"),
    ("nn.Linear(4, 1, 1, 1)", 1, "at most 3 arguments"),
    ("nn.Conv2d(1, 1, kernel=3)", 1, "no argument kernel.*did you mean kernel_size"),
    ("nn.Conv2d(3, 4, 3, groups=2)", 1, "divisible by groups"),
    ("nn.Liner(4, 1)", 1, "no layer that is known.*did you mean Linear"),
    ("nn.Sequential(nn.ReLU() for i in range(9))", 1, "loops are not read"),
    ("nn.Sequential(*[nn.ReLU()] * 10)", 1, "arithmetic is read of numbers only"),
    ("f = lambda: nn.ReLU()", 1, "lambda is not read"),
    ("nn.Sequential(nn.ReLU(), f'{1}')", 1, "f-strings"),
    ("x = {1: 2}", 1, "dictionaries"),
    ("(x := nn.ReLU())", 1, "assignment within"),
    ("nn.ReLU() if 1 else nn.ReLU()", 1, "conditions are not read"),
    ("for i in x: pass", 1, "loops are not read"),
    ("@property\nclass N(nn.Module): pass", 1, "decorators"),
    ("class N(object):\n    pass", 1, r"write class N\(nn.Module\)"),
    ("class N(nn.Module):\n    pass", 1, "no __init__"),
    ("class N(nn.Module):\n    x = 3", 2, "is not read here in a class"),
    ("nn = 3", 1, "stands for something else"),
    ("x = nn", 1, "is no value"),
    ("x = y", 1, "there is no y here"),
    ("nn.ReLU", 1, "attribute ReLU is not read"),
    ("open('x')", 1, "nothing of a text is executed"),
    ("nn.ReLU()\nprint(1)", 2, "print is not needed"),
    ("nn.Linear(4, 'é\u0301', bias=3j)", 1, "3j|is not read"),
    ("nn.Linear(4, 10\n", 1, "opened and never closed"),
    ("nn.Linear(4 10)", 1, "no Python"),
    ("x = 1\n  y = 2", 2, "no Python"),
    ("ünn = 3", 1, "letters beyond a to z"),
    ("x = '\\x00'", 1, "backslash"),
    ("nn.ReLU()\x00", 1, "belongs in no text"),
    ("nn.ReLU()\nnn.ReLU()\x1b[0m", 2, "belongs in no text"),
    ("(" * 40 + ")" * 40, 1, "brackets within each other"),
    ("-" * 119 + "1", 1, "nested too deeply"),
    ("x = 1" + "+1" * 200, 1, "without a comma"),
    ("nn.Sequential(" + "nn.ReLU()," * 301 + ")", 1, "more than 300 layers"),
    ("x = [" + "nn.Linear(1,1)," * 500 + "]", 1, "more than"),
    ("x" * 41, 1, "a name is 41 letters long"),
    ("if 1:\n if 1:\n  if 1:\n   if 1:\n    if 1:\n     x", 1, "conditions are not read"),
    (in_init("self.fc.weight = 3"), 5, "only attributes of self|self.name"),
    (in_init("self.forward = nn.ReLU()"), 5, "has forward for itself"),
    (in_init("self._modules = 3"), 5, "attribute _modules is not allowed"),
    (in_init("self.layers = [nn.ReLU()]"), 5, "not part of the network"),
    (in_init("self.n = N()"), 5, "networks within networks"),
    (in_init("self.x = self.y"), 5, "no self.y yet"),
    (in_init("self.x = nn.init.zeros_(self.fc)"), 5, "no layer that is known"),
    (in_forward("x = self.fc4(x)"), 7, "there is no self.fc4: __init__ makes fc"),
    (in_forward("x = self.fc.weight"), 7, "is a layer: call it"),
    (in_forward("x = x.data"), 7, "attribute data is not read"),
    (in_forward("x = x.cuda()"), 7, r"cuda\(\) is not known"),
    (in_forward("x = torch.load(x)"), 7, "no function that is known"),
    (in_forward("x = torch.hub.load(x)"), 7, "no function that is known"),
    (in_forward("x = nn.Linear(4, 4)(x)"), 7, "not read here"),
    (in_forward("y = nn.ReLU()"), 7, "made anew in every forward"),
    (in_forward("self.fc = x"), 7, "sets names only"),
    (in_forward("self = x"), 7, "must stay the network"),
    (in_forward("x[0] = 1"), 7, "assignment is not read"),
    (in_forward("x = x[0]"), 7, "square brackets"),
    (in_forward("x = x[0:1]"), 7, "slice"),
    (in_forward("x = F.relu(3)"), 7, "input of relu is 3"),
    (in_forward("x = F.pad(x, (1, 1, 1, 9999))"), 7, "pad of pad"),
    (in_forward("x = x @ x"), 7, "decorators|@"),
    (in_forward("x = x ** 2"), 7, r"only \+ - \* / are read"),
    (in_forward("x = self.forward(x)"), 7, "no self.forward"),
    (in_forward("x = self(x)"), 7, "call is not read"),
    (in_forward("del x"), 7, "statement is not read"),
    (in_forward("return x"), 7, "never reached"),
]


@pytest.mark.parametrize(("text", "line", "reason"), HOSTILE)
def test_refused_with_a_reason_and_a_line(text: str, line: int, reason: str) -> None:
    with _nothing_happens(), pytest.raises(ModelTextError, match=f"(?s){reason}") as refused:
        trace_text(read_network(text), (1, 2, 4))
    assert refused.value.line == line
    assert str(refused.value).startswith(f"line {line}: ")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the text is empty"),
        ("  \n \n# nothing\n", "no network in it"),
        ("'''nn.ReLU()'''", "no network in it"),
        ("x = 3", "no network in it"),
        ("x" * (bounds.MAX_CHARACTERS + 1), "10,001 characters: use at most 10,000"),
        ("\n" * 9_999, "too many lines"),
        (" " * 10**7, "characters"),
        (3, "the network is 3: use text"),
        ("nn.Linear(1000000, 1000)", "1,000,001,000 parameters"),
    ],
)
def test_refused_as_a_whole(text: str, reason: str) -> None:
    began = time.perf_counter()
    with pytest.raises(ModelTextError, match=reason):
        trace_text(read_network(text), (1, 2, 4))
    assert time.perf_counter() - began < 2


def test_what_a_layer_puts_out_is_bounded() -> None:
    scale = "nn.Upsample(scale_factor=8), "
    with pytest.raises(ModelTextError, match=r"line 1: .* would put out .* numbers"):
        trace_text(read_network(f"nn.Sequential({scale * 9})"), (3, 32, 32))


def test_much_work_is_refused() -> None:
    """A class that makes ten of another, that makes ten of another, and so on."""
    lines = ["class C0(nn.Module):\n def __init__(self):\n  super().__init__()\n  self.a = 1"]
    lines[0] += "\n def forward(self, x):\n  return x"
    for number in range(1, 7):
        made = "".join(f"\n  self.c{n} = C{number - 1}()" for n in range(10))
        lines.append(
            f"class C{number}(nn.Module):\n def __init__(self):\n  super().__init__(){made}"
            "\n def forward(self, x):\n  return x"
        )
    began = time.perf_counter()
    with pytest.raises(ModelTextError, match="more than 300 layers"):
        read_network("\n".join(lines))
    assert time.perf_counter() - began < 1


def _chains(inner: str, depth: int) -> str:
    lines = [f"a0 = nn.Sequential({inner})"]
    lines += [f"a{n} = nn.Sequential({f'a{n - 1}, ' * 9})" for n in range(1, depth)]
    return "\n".join(lines)


def _calls(depth: int) -> str:
    """Each network passes the one within it nine times."""
    text = "class C0(nn.Module):\n def __init__(self):\n  super().__init__()\n  self.l = nn.ReLU()"
    text += "\n def forward(self, x):\n  return self.l(x)\n"
    for number in range(1, depth):
        text += f"class C{number}(nn.Module):\n def __init__(self):\n  super().__init__()\n"
        text += f"  self.l = C{number - 1}()\n def forward(self, x):\n"
        text += "  x = self.l(x)\n" * 9 + "  return x\n"
    return text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (_chains("nn.ReLU()", 9), "too many or too deep"),
        (_chains("", 9) + "\nnn.Sequential(a8, nn.ReLU())", "too many or too deep"),
        ("a = nn.ReLU()\n" + "a = nn.Sequential(a)\n" * 200, "too many or too deep"),
        ("x = [1, 1]\n" + "x = [*x, *x]\n" * 60 + "nn.Linear(x, 1)", "more than 300 values"),
        ("x = [1, 1]\n" + "x = [x, x]\n" * 60 + "nn.Linear(x, 1)", "lists within lists"),
        (_calls(8), "passes more than 3,000 layers"),
    ],
    ids=["chains", "empty chains", "deep chain", "doubled", "nested", "calls"],
)
def test_what_unfolds_to_very_much_is_refused(text: str, reason: str) -> None:
    began = time.perf_counter()
    with pytest.raises(ModelTextError, match=reason):
        trace_text(read_network(text), (1, 2, 4))
    assert time.perf_counter() - began < 2


def test_the_package_has_no_way_to_execute() -> None:
    for file in Path(cnnviz.model_text.__path__[0]).glob("*.py"):
        names = {
            node.id for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Name)
        }
        assert not names & {"eval", "exec", "compile", "__import__", "globals"}, file


# ------------------------------------------------------------------------------------------- fuzz


_watched = False
_happened: list[str] = []


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    forbidden = ("exec", "import", "open", "os.", "subprocess.", "socket.", "ctypes.")
    # For its message about a syntax error Python looks for the source in a file of that name.
    is_pythons = event == "open" and arguments[0] == "<unknown>"
    if _watched and event.startswith(forbidden) and not is_pythons:
        _happened.append(event)


sys.addaudithook(_audit)
trace_text(read_network(VALID["nested"][0]), (1, 12, 12))  # imports what torch imports late


@contextmanager
def _nothing_happens() -> Iterator[None]:
    """No code is executed, no module imported, no file opened, no process started."""
    global _watched
    _happened.clear()
    _watched = True
    try:
        yield
    finally:
        _watched = False
    assert not _happened


def assert_read_or_refused(text: str) -> None:
    began = time.perf_counter()
    with _nothing_happens(), suppress(ModelTextError):
        trace_text(read_network(text), (1, 12, 12))
    assert time.perf_counter() - began < 3


def test_the_watch_sees_an_execution() -> None:
    """So that what is above cannot pass by looking at nothing."""
    with pytest.raises(AssertionError), _nothing_happens():
        exec("1")


@settings(max_examples=150)
@given(st.text())
@example("\x00")
@example("class\u2028N(nn.Module):")
def test_any_text_is_read_or_refused(text: str) -> None:
    assert_read_or_refused(text)


_PIECES = (
    *("(", ")", "[", "]", ",", ".", "=", ":", "\n", "    ", "\t", "\\", "'", '"', "#", "*", "**"),
    *("-", "@", ";", "{", "}", "lambda", "self", "x", "nn", "torch", "F", "0", "1", "9**9**9"),
    *("1e999", "None", "True", "__class__", "._modules", "super", "return", "class N(nn.Module):"),
    *("import os", "eval(x)", "nn.Linear(1, 1)", "f''", "b''", "...", "->", "N()", "*x", "**x"),
    *("def", "forward", "__init__", ".shape", "[0]", "[-9]", ".view(-1)", "/", "%", "//", "x += x"),
)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A text that is read, with some pieces of it taken out, put in or doubled."""
    text = draw(st.sampled_from([text for text, _ in VALID.values()]))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        cut = draw(st.sampled_from((0, 0, 1, 3, 12)))
        text = text[:at] + draw(st.sampled_from((*_PIECES, text[at : at + 30]))) + text[at + cut :]
    return text


@settings(max_examples=300)
@given(mutated())
def test_a_text_with_mistakes_is_read_or_refused(text: str) -> None:
    assert_read_or_refused(text)


# ------------------------------------------------------------------------------------------- links


@pytest.mark.parametrize("text", [text for text, _ in VALID.values()])
def test_a_link_brings_the_text_back(text: str) -> None:
    own = PasteSettings(text=text + "\n# mine", channels=1, height=28, width=30)
    again, notes = read_paste_settings(own.to_query())
    assert (again, notes) == (own, ())


@given(st.text(max_size=80) | st.binary(max_size=80).map(lambda b: urlsafe_b64encode(b).decode()))
@settings(max_examples=60)
@example(urlsafe_b64encode(zlib.compress(b" " * 10**8, 9)[:1000]).decode())
@example(urlsafe_b64encode(zlib.compress(b"\xff")).decode())
@example("A" * (MAX_LINK + 1))
def test_a_damaged_link_is_said(packed: str) -> None:
    try:
        unpack_text(packed)
    except ModelTextError:
        shown, notes = read_paste_settings({"text": packed})
        assert shown == PasteSettings()
        assert len(notes) == 1
        assert "an example is shown" in notes[0]


def test_a_long_text_is_not_put_into_a_link() -> None:
    digits = "".join(sha256(bytes([number])).hexdigest() for number in range(100))
    long = PasteSettings(text=f"# {digits}\nnn.ReLU()")
    assert pack_text(long.text) is None
    assert not long.fits_a_link
    assert "text" not in long.to_query()
