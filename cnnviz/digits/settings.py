"""What is drawn on the pad and how it is brought to the network; and the URL that says so."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cnnviz.digits.examples import DIGITS
from cnnviz.digits.ink import FITS, PAD, Fit, Pixels, Point, Strokes, render
from cnnviz.errors import SettingError
from cnnviz.query import QueryReader, shorten
from cnnviz.settings import shown, whole_number

PENS: Final = (8, 48)
"""The least and the most width of the pen, in units of the pad."""
MOST_POINTS: Final = 400
"""In all strokes together: a link of 1,600 letters. A digit takes thirty."""
MOST_NETWORKS: Final = 3
"""That are asked at once: bars of more cannot be told apart from the back row."""
OPENING_STROKES: Final = DIGITS[3]

_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_POINTS: Final = re.compile(r"([0-9a-z]{4})+", re.ASCII)
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,100}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class DigitSettings:
    """One state of the pad."""

    strokes: Strokes = OPENING_STROKES
    pen: int = 24
    fit: Fit = "mnist"
    networks: tuple[str, ...] = ()
    """By the names of their checkpoints; none are those that come with cnnviz."""

    def __post_init__(self) -> None:
        if not isinstance(self.strokes, tuple) or not all(self.strokes):
            raise SettingError("strokes must be a tuple of strokes of at least one point each")
        if sum(len(stroke) for stroke in self.strokes) > MOST_POINTS:
            raise SettingError(f"the strokes have too many points: use at most {MOST_POINTS}")
        for stroke in self.strokes:
            for point in stroke:
                _check_point(point)
        if not PENS[0] <= whole_number("pen", self.pen, least=1) <= PENS[1]:
            raise SettingError(f"pen is {self.pen}: use a width from {PENS[0]} to {PENS[1]}")
        if self.fit not in FITS:
            raise SettingError(f"fit is {shown(self.fit)}: use {' or '.join(FITS)}")
        if len(self.networks) > MOST_NETWORKS:
            raise SettingError(f"{len(self.networks)} networks: use at most {MOST_NETWORKS}")
        if not all(isinstance(name, str) and _NAME.fullmatch(name) for name in self.networks):
            raise SettingError("networks must be names of checkpoints")

    @property
    def pixels(self) -> Pixels:
        """What the network sees, (28, 28)."""
        return render(self.strokes, self.pen, self.fit)

    def to_json(self) -> dict[str, Any]:
        """What the browser takes, ready for JSON."""
        return {"strokes": self.strokes, "pen": self.pen, "fit": self.fit}

    @classmethod
    def from_json(cls, value: object, networks: tuple[str, ...] = ()) -> DigitSettings:
        """Back from the browser, which can send anything: SettingError unless it makes sense.

        networks: these are not the browser's to choose.
        """
        if not isinstance(value, Mapping):
            raise SettingError("the browser's settings make no sense: they are not a mapping")
        try:
            strokes = tuple(tuple((x, y) for x, y in stroke) for stroke in value["strokes"])
            return cls(strokes=strokes, pen=value["pen"], fit=value["fit"], networks=networks)
        except (TypeError, KeyError, ValueError) as error:
            if isinstance(error, SettingError):
                raise
            raise SettingError(f"the browser's settings make no sense: {str(error)[:80]}") from None


def read_digit_settings(
    query: Mapping[str, str], there: tuple[str, ...] = ()
) -> tuple[DigitSettings, tuple[str, ...]]:
    """The nearest valid settings to what a URL asks for, and a sentence for each change.

    there: the networks that can be chosen; the first two are, unless the URL says otherwise.
    """
    read = QueryReader(query)
    usual = DigitSettings()
    settings = DigitSettings(
        strokes=_read_strokes(read),
        pen=read.whole("pen", *PENS, usual.pen),
        fit=read.choice("fit", FITS, usual.fit),
        networks=_read_networks(read, there),
    )
    return settings, tuple(read.notes)


def digit_query(settings: DigitSettings, there: tuple[str, ...] = ()) -> dict[str, str]:
    """What a URL must say to open this state: only what differs from the opening state."""
    usual = DigitSettings()
    query = {}
    if settings.strokes != usual.strokes:
        query["strokes"] = write_strokes(settings.strokes)
    if settings.pen != usual.pen:
        query["pen"] = str(settings.pen)
    if settings.fit != usual.fit:
        query["fit"] = settings.fit
    if settings.networks not in ((), usual_networks(there)):
        query["networks"] = "~".join(settings.networks)
    return query


def usual_networks(there: tuple[str, ...]) -> tuple[str, ...]:
    """Those that are asked unless somebody chooses: two can be compared at a glance."""
    return there[:2]


def write_strokes(strokes: Strokes) -> str:
    """As text that a URL carries unescaped: four letters a point, `~` between strokes; `-` none."""
    return "~".join("".join(map(_write_point, stroke)) for stroke in strokes) or "-"


def parse_strokes(text: str) -> Strokes | None:
    """What `write_strokes` wrote; None for anything else."""
    if text == "-":
        return ()
    if len(text) > 5 * MOST_POINTS:
        return None
    strokes = []
    for part in text.split("~"):
        if not _POINTS.fullmatch(part):
            return None
        numbers = [int(part[place : place + 2], 36) for place in range(0, len(part), 2)]
        strokes.append(tuple(zip(numbers[::2], numbers[1::2], strict=True)))
    within = all(max(point) <= PAD for stroke in strokes for point in stroke)
    return tuple(strokes) if within and sum(map(len, strokes)) <= MOST_POINTS else None


def _write_point(point: Point) -> str:
    return "".join(_DIGITS[value // 36] + _DIGITS[value % 36] for value in point)


def _read_strokes(read: QueryReader) -> Strokes:
    text = read.given("strokes")
    if text is None:
        return OPENING_STROKES
    strokes = parse_strokes(text.strip())
    if strokes is None:
        read.notes.append(
            f"strokes={shorten(text)} is left out (it must be strokes that this page has written)."
        )
        return OPENING_STROKES
    return strokes


def _read_networks(read: QueryReader, there: tuple[str, ...]) -> tuple[str, ...]:
    text = read.given("networks")
    if text is None:
        return usual_networks(there)
    asked = dict.fromkeys(text.split("~"))
    found = tuple(name for name in asked if name in there)[:MOST_NETWORKS]
    if len(found) < len(asked):
        read.notes.append(
            f"networks={shorten(text)} is now {'~'.join(found or usual_networks(there))} "
            f"(there are {', '.join(there)}; at most {MOST_NETWORKS} at once)."
        )
    return found or usual_networks(there)


def _check_point(point: object) -> None:
    if not (isinstance(point, tuple) and len(point) == 2):
        raise SettingError(f"a point is {shown(point)}: use (x, y)")
    for value in point:
        if type(value) is not int or not 0 <= value <= PAD:
            raise SettingError(f"a point is {shown(point)}: use whole numbers from 0 to {PAD}")
