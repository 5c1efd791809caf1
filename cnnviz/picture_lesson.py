"""The convolution lesson on a picture: its feature map, and whether all who compute it agree.

A feature map is computed three times: by the browser while a slider is dragged, by cnnviz, and by
PyTorch. Each answer is reduced to a `MapSummary`, and `agree` compares the summaries.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cnnviz.convolution import convolve, cross_correlate
from cnnviz.errors import NoOutputError, SettingError
from cnnviz.filters import FILTERS
from cnnviz.picture_settings import PictureSettings as PictureSettings

SAMPLES = 25
"""How many values of a map are compared one by one."""


@dataclass(frozen=True, slots=True)
class MapSummary:
    """What is compared of a feature map; 0 by 0 with no samples where there is no output.

    samples: (index in reading order, value), `SAMPLES` of them evenly spaced, or all if fewer.
    """

    height: int
    width: int
    minimum: float
    maximum: float
    mean: float
    samples: tuple[tuple[int, float], ...]


NO_MAP = MapSummary(0, 0, 0.0, 0.0, 0.0, ())


def feature_map(
    grey: npt.NDArray[np.float64], settings: PictureSettings
) -> npt.NDArray[np.float64]:
    """Slide the kernel over grey (H, W), levels 0 to 255: (Ho, Wo). Raises NoOutputError."""
    slide = convolve if settings.flip else cross_correlate
    weight = np.array(settings.kernel, dtype=np.float64)[None, None]  # (1, 1, k, k)
    bias = np.array([settings.bias])
    only_map: npt.NDArray[np.float64]
    (only_map,) = slide(grey[None], weight, settings.to_spec(), bias=bias)
    return only_map


def summarise_map(values: npt.NDArray[np.float64]) -> MapSummary:
    """The summary of a map (Ho, Wo) that somebody has computed."""
    if values.size == 0:
        return NO_MAP
    flat = values.ravel()
    return MapSummary(
        height=int(values.shape[0]),
        width=int(values.shape[1]),
        minimum=float(flat.min()),
        maximum=float(flat.max()),
        mean=float(flat.mean()),
        samples=tuple((index, float(flat[index])) for index in sample_indexes(flat.size)),
    )


def summarise(grey: npt.NDArray[np.float64], settings: PictureSettings) -> MapSummary:
    """What cnnviz computes; `NO_MAP` where the settings leave no output."""
    try:
        return summarise_map(feature_map(grey, settings))
    except NoOutputError:
        return NO_MAP


def sample_indexes(count: int) -> tuple[int, ...]:
    """`SAMPLES` evenly spaced indexes below `count`, first and last among them; all if fewer."""
    if count <= SAMPLES:
        return tuple(range(count))
    return tuple(position * (count - 1) // (SAMPLES - 1) for position in range(SAMPLES))


@dataclass(frozen=True, slots=True)
class Agreement:
    """Whether everyone who has answered says the same, and a sentence for the viewer."""

    ok: bool
    text: str


def agree(
    browser: MapSummary, cnnviz: MapSummary, torch: MapSummary | None, *, why_no_torch: str = ""
) -> Agreement:
    """Compare three summaries; cnnviz is what the other two are held against.

    torch is None while PyTorch has not answered, and `why_no_torch` says why. Values may differ by
    1e-9 of the largest one, which is rounding: each adds up the products in an order of its own.
    """
    others = {"Your browser": browser} | ({} if torch is None else {"PyTorch": torch})
    gaps = {name: _largest_gap(other, cnnviz) for name, other in others.items()}
    scale = 1.0 + max(abs(cnnviz.minimum), abs(cnnviz.maximum))
    wrong = [name for name, gap in gaps.items() if not gap <= 1e-9 * scale]
    if wrong:
        parts = []
        for name in wrong:
            other = others[name]
            if (other.height, other.width) != (cnnviz.height, cnnviz.width):
                size = f"{other.height} × {other.width} values"
                parts.append(f"{name} gives {size}, cnnviz {cnnviz.height} × {cnnviz.width}")
            else:
                parts.append(f"{name} differs from cnnviz by up to {gaps[name]:.3g}")
        return Agreement(False, "; ".join(parts) + ".")
    waiting = f" {why_no_torch}" if torch is None and why_no_torch else ""
    who = "Your browser and cnnviz" if torch is None else "Your browser, cnnviz and PyTorch"
    if cnnviz == NO_MAP:
        return Agreement(True, f"{who} agree: no output.{waiting}")
    size = f"{cnnviz.height} × {cnnviz.width} values"
    return Agreement(True, f"{who} agree on {size}.{waiting}")


def _largest_gap(one: MapSummary, other: MapSummary) -> float:
    if (one.height, one.width) != (other.height, other.width):
        return math.inf
    if [index for index, _ in one.samples] != [index for index, _ in other.samples]:
        return math.inf
    pairs = [
        (one.minimum, other.minimum),
        (one.maximum, other.maximum),
        (one.mean, other.mean),
        *(
            (mine, theirs)
            for (_, mine), (_, theirs) in zip(one.samples, other.samples, strict=True)
        ),
    ]
    gaps = [abs(mine - theirs) for mine, theirs in pairs]
    return max(math.inf if math.isnan(gap) else gap for gap in gaps)


@dataclass(frozen=True, slots=True)
class BrowserReport:
    """What the component in the browser says that it shows."""

    state_id: str
    picture_id: str
    version: int
    settings: PictureSettings
    summary: MapSummary


def read_report(report: object) -> BrowserReport:
    """Check what a browser sent. It can send anything: SettingError unless it makes sense."""
    try:
        return _read_report(report)
    except (TypeError, ValueError, KeyError, OverflowError, AttributeError) as error:
        raise SettingError(f"the browser's report makes no sense: {str(error)[:80]}") from None


def _read_report(report: object) -> BrowserReport:
    if not isinstance(report, Mapping):
        raise TypeError("it is not a mapping")
    key = report["filter"]
    kernel = report["kernel"]
    own = None
    if key is None:
        own = tuple(tuple(_number(weight) for weight in row) for row in kernel)
    summary = report["summary"]
    samples = summary["samples"]
    if len(samples) > SAMPLES:
        raise ValueError("too many samples")
    return BrowserReport(
        state_id=str(report["id"])[:64],
        picture_id=str(report["picture"])[:64],
        version=int(report["version"]),
        settings=PictureSettings(
            filter_key=key,
            own_kernel=own,
            stride=report["stride"],
            padding=report["padding"],
            dilation=report["dilation"],
            flip=report["flip"],
            bias=_number(report["bias"]),
            show=report["show"],
        ),
        summary=MapSummary(
            height=int(summary["height"]),
            width=int(summary["width"]),
            minimum=_number(summary["min"]),
            maximum=_number(summary["max"]),
            mean=_number(summary["mean"]),
            samples=tuple((int(index), _number(value)) for index, value in samples),
        ),
    )


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("a number was expected")
    return float(value) + 0.0  # -0.0 becomes 0.0


def describe_filters() -> list[dict[str, object]]:
    """The named filters as the component takes them: plain lists, ready for JSON."""
    return [
        {
            "key": named.key,
            "title": named.title,
            "what": named.what,
            "kernel": [[float(weight) for weight in row] for row in named.kernel],
        }
        for named in FILTERS
    ]


def pytorch_snippet(settings: PictureSettings, *, file_name: str = "picture.png") -> str:
    """A PyTorch program that computes the same map from a picture file of the size shown."""
    rows = ",\n".join(
        "        [" + ", ".join(repr(float(weight)) for weight in row) + "]"
        for row in settings.kernel
    )
    flip = (
        "weight = weight.flip(-2, -1)  # a true convolution turns the filter by 180 degrees\n"
        if settings.flip
        else ""
    )
    return f"""\
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

rgb = torch.from_numpy(np.array(Image.open({file_name!r}).convert("RGB"))).long()  # (H, W, 3)
red, green, blue = rgb.unbind(-1)
grey = (299 * red + 587 * green + 114 * blue + 500) // 1000  # BT.601, whole levels 0 to 255
image = grey.double()[None, None]  # (1, 1, H, W)

weight = torch.tensor(
    [
{rows},
    ],
    dtype=torch.float64,
)[None, None]  # (1, 1, {settings.size}, {settings.size})
{flip}bias = torch.tensor([{settings.bias!r}], dtype=torch.float64)

feature_map = F.conv2d(
    image,
    weight,
    bias,
    stride={settings.stride},
    padding={settings.padding},
    dilation={settings.dilation},
)[0, 0]
print(feature_map.shape, feature_map.min().item(), feature_map.max().item())
"""
