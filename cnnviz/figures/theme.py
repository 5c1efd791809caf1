"""How every figure looks: a light and a dark template, and the colours with a meaning.

The colours are those of the app's theme. Blue is negative and orange is positive in every figure:
a pair that all forms of colour blindness tell apart. No font is fetched.
"""

from dataclasses import dataclass

import plotly.graph_objects as go

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', Arial, sans-serif"


@dataclass(frozen=True, slots=True)
class FigureColours:
    """The colours of one theme, as hex strings."""

    background: str
    text: str
    grid: str
    accent: str
    negative: str
    positive: str
    series: tuple[str, ...]


LIGHT = FigureColours(
    background="#FDFCF9",
    text="#16211F",
    grid="#C9C5B8",
    accent="#0B6B66",
    negative="#1F63B5",
    positive="#C25700",
    series=("#0B6B66", "#C25700", "#1F63B5", "#8A6500", "#6D4BB8", "#6B6F68"),
)
DARK = FigureColours(
    background="#101718",
    text="#EEF3F1",
    grid="#41504F",
    accent="#5FD3C7",
    negative="#7FB4F7",
    positive="#FFA45C",
    series=("#5FD3C7", "#FFA45C", "#7FB4F7", "#E9C55A", "#BFA5F5", "#A3ADAA"),
)


def colours(*, dark: bool) -> FigureColours:
    """The colours of the dark or the light theme."""
    return DARK if dark else LIGHT


def template(*, dark: bool) -> go.layout.Template:
    """A plotly template for the dark or the light theme; the background is the page's own."""
    chosen = colours(dark=dark)
    axis = {
        "gridcolor": chosen.grid,
        "linecolor": chosen.grid,
        "zerolinecolor": chosen.text,
        "automargin": True,
        "title": {"standoff": 10, "font": {"size": 15}},
    }
    return go.layout.Template(
        layout={
            "font": {"family": FONT, "size": 15, "color": chosen.text},
            "title": {"font": {"size": 16}, "x": 0, "xref": "container", "xanchor": "left"},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "colorway": list(chosen.series),
            "xaxis": axis,
            "yaxis": axis,
            "hoverlabel": {
                "bgcolor": chosen.background,
                "font": {"family": FONT, "color": chosen.text},
            },
            "margin": {"l": 10, "r": 10, "t": 60, "b": 10},
        }
    )
