"""Each rule between the layers bites, where it should and nowhere else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ALLOWED: list[str] = []


def rules_broken(project: Path, file: str, code: str) -> list[str]:
    """The import rules that ruff finds broken when `code` stands in `file`."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "ruff", "check", "--no-cache", "--select", "TID"),
            *("--output-format", "json", "--stdin-filename", file, "-"),
        ],
        cwd=project,
        input=code,
        capture_output=True,
        text=True,
    )
    assert done.returncode in (0, 1), done.stderr
    return sorted({finding["code"] for finding in json.loads(done.stdout)})


@pytest.mark.parametrize(
    ("file", "code", "broken"),
    [
        # the subject: neither streamlit nor plotly, and torch only where it is the subject
        ("cnnviz/geometry.py", "import streamlit", ["TID251"]),
        ("cnnviz/geometry.py", "from streamlit import cache_data", ["TID251"]),
        ("cnnviz/geometry.py", "def f():\n    import streamlit", ["TID251"]),
        ("cnnviz/data/store.py", "import streamlit", ["TID251"]),
        ("cnnviz/geometry.py", "import plotly.graph_objects as go", ["TID251"]),
        ("cnnviz/geometry.py", "import torch", ["TID253"]),
        ("cnnviz/geometry.py", "from torch.nn import functional", ["TID253"]),
        ("cnnviz/geometry.py", "import captum", ["TID253"]),
        ("cnnviz/geometry.py", "from .errors import CnnvizError", ["TID252"]),
        ("cnnviz/geometry.py", "def f():\n    import torch", ALLOWED),
        ("cnnviz/geometry.py", "import numpy", ALLOWED),
        ("cnnviz/torch_reference.py", "import torch", ALLOWED),
        ("cnnviz/torch_reference.py", "import streamlit", ["TID251"]),
        # figures: plotly and numpy; torch not even inside a function
        ("cnnviz/figures/picture.py", "import plotly.graph_objects as go", ALLOWED),
        ("cnnviz/figures/picture.py", "import streamlit", ["TID251"]),
        ("cnnviz/figures/picture.py", "def f():\n    import torch", ["TID251"]),
        ("cnnviz/figures/picture.py", "def f():\n    from torchvision import io", ["TID251"]),
        ("cnnviz/figures/picture.py", "def f():\n    from captum.attr import Saliency", ["TID251"]),
        # ui: streamlit, no plotly, torch only inside a function
        ("cnnviz/ui/page.py", "import streamlit", ALLOWED),
        ("cnnviz/ui/page.py", "import plotly", ["TID251"]),
        ("cnnviz/ui/page.py", "import torch", ["TID253"]),
        ("cnnviz/ui/components/lab.py", "import torch", ["TID253"]),
        # pages
        ("pages/home.py", "import streamlit", ALLOWED),
        ("pages/home.py", "from plotly import graph_objects", ["TID251"]),
        ("pages/home.py", "import torch", ["TID253"]),
        ("app.py", "import torchvision", ["TID253"]),
        # tests and benchmarks compare with anything
        ("tests/test_x.py", "import plotly, torch", ALLOWED),
        ("benchmarks/ordinary.py", "import plotly, torch", ALLOWED),
    ],
)
def test_rule(project: Path, file: str, code: str, broken: list[str]) -> None:
    assert rules_broken(project, file, f"{code}\n") == broken


LIGHT_MODULES = (
    "cnnviz",
    "cnnviz.geometry",
    "cnnviz.convolution",
    "cnnviz.filters",
    "cnnviz.machine",
    "cnnviz.checkpoints",
    "cnnviz.data.locations",
)


def test_importing_the_subject_brings_nothing_heavy(project: Path) -> None:
    code = (
        f"import sys, {', '.join(LIGHT_MODULES)}\n"
        "heavy = {'torch', 'plotly', 'streamlit', 'captum', 'pandas'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
