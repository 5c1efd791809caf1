"""Named image filters, as square kernels of odd size.

The weights are written for cross-correlation, which is what a convolutional layer computes: the
kernel lies on the picture as it is printed here. A filter whose weights sum to 1 keeps the mean
brightness of a picture; one whose weights sum to 0 answers 0 on every flat area.
"""

from dataclasses import dataclass

from cnnviz.errors import SettingError

Kernel = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class NamedFilter:
    """One filter: what it is called, its weights and what it does to a picture."""

    key: str
    title: str
    kernel: Kernel
    what: str

    def __post_init__(self) -> None:
        size = len(self.kernel)
        if size % 2 == 0 or any(len(row) != size for row in self.kernel):
            raise SettingError(f"the kernel of {self.key!r} must be square and of odd size")

    @property
    def size(self) -> int:
        """Rows, and as many columns."""
        return len(self.kernel)

    @property
    def weight_sum(self) -> float:
        """What the filter answers on a flat area of value 1."""
        return sum(sum(row) for row in self.kernel)


def _divided(rows: Kernel, divisor: float) -> Kernel:
    return tuple(tuple(weight / divisor for weight in row) for row in rows)


def _diagonal(size: int) -> Kernel:
    return tuple(
        tuple(1.0 if row == column else 0.0 for column in range(size)) for row in range(size)
    )


FILTERS: tuple[NamedFilter, ...] = (
    NamedFilter(
        "identity",
        "Identity",
        ((0, 0, 0), (0, 1, 0), (0, 0, 0)),
        "One weight of 1 in the middle: the picture comes out as it went in.",
    ),
    NamedFilter(
        "box_blur",
        "Box blur",
        _divided(((1, 1, 1), (1, 1, 1), (1, 1, 1)), 9),
        "The plain mean of nine pixels. Noise and fine detail fade; the brightness stays.",
    ),
    NamedFilter(
        "gaussian_blur",
        "Gaussian blur",
        _divided(
            (
                (1, 4, 6, 4, 1),
                (4, 16, 24, 16, 4),
                (6, 24, 36, 24, 6),
                (4, 16, 24, 16, 4),
                (1, 4, 6, 4, 1),
            ),
            256,
        ),
        "A mean that counts near pixels more. Smoother than the box, without its blocky look.",
    ),
    NamedFilter(
        "motion_blur",
        "Motion blur",
        _divided(_diagonal(7), 7),
        "A mean along one diagonal, as if the camera had moved while the shutter was open.",
    ),
    NamedFilter(
        "sharpen",
        "Sharpen",
        ((0, -1, 0), (-1, 5, -1), (0, -1, 0)),
        "Adds to each pixel how much it differs from its four neighbours.",
    ),
    NamedFilter(
        "sobel_x",
        "Sobel, left to right",
        ((-1, 0, 1), (-2, 0, 2), (-1, 0, 1)),
        "Positive where the picture gets brighter to the right, negative where it gets darker: "
        "it finds upright edges.",
    ),
    NamedFilter(
        "sobel_y",
        "Sobel, top to bottom",
        ((-1, -2, -1), (0, 0, 0), (1, 2, 1)),
        "Positive where the picture gets brighter downwards, negative where it gets darker: "
        "it finds level edges.",
    ),
    NamedFilter(
        "prewitt_x",
        "Prewitt, left to right",
        ((-1, 0, 1), (-1, 0, 1), (-1, 0, 1)),
        "Sobel's older relative: the three rows count the same.",
    ),
    NamedFilter(
        "laplacian",
        "Laplacian, 4 neighbours",
        ((0, 1, 0), (1, -4, 1), (0, 1, 0)),
        "How far a pixel lies below the mean of its four neighbours: edges in every direction.",
    ),
    NamedFilter(
        "edges",
        "Edges, 8 neighbours",
        ((-1, -1, -1), (-1, 8, -1), (-1, -1, -1)),
        "How far a pixel lies above its eight neighbours: every edge, every whisker, every speck.",
    ),
    NamedFilter(
        "laplacian_of_gaussian",
        "Laplacian of Gaussian",
        (
            (0, 0, 1, 0, 0),
            (0, 1, 2, 1, 0),
            (1, 2, -16, 2, 1),
            (0, 1, 2, 1, 0),
            (0, 0, 1, 0, 0),
        ),
        "Smooths first and then looks for edges, so that specks count less.",
    ),
    NamedFilter(
        "emboss",
        "Emboss",
        ((-2, -1, 0), (-1, 1, 1), (0, 1, 2)),
        "A picture pressed in metal: light from one corner, brightness kept.",
    ),
    NamedFilter(
        "checkerboard",
        "The lesson's filter",
        ((1, 0, 1), (0, 1, 0), (1, 0, 1)),
        "The filter of the example by hand: five pixels added up, so the values grow.",
    ),
)

_BY_KEY = {named.key: named for named in FILTERS}


def filter_by_key(key: str) -> NamedFilter:
    """The filter of that key; SettingError for a key that no filter has."""
    try:
        return _BY_KEY[key]
    except KeyError:
        known = ", ".join(_BY_KEY)
        raise SettingError(f"no filter is called {key[:40]!r}; there are {known}") from None
