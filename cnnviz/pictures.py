"""Pictures for the lessons: the one that comes with cnnviz, and files that a viewer brings.

A file is untrusted: it is bounded in bytes, in pixels (by its header, before anything is
decoded) and in format, and whatever is wrong with it becomes a `PictureError` that a student can
act on.
"""

import io
import re
import threading
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from cnnviz.errors import PictureError, SettingError

MAX_BYTES = 8 * 1024 * 1024
MAX_PIXELS = 40_000_000
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
EXTENSIONS = ("png", "jpg", "jpeg", "webp", "gif", "bmp")

# ITU-R BT.601: how much red, green and blue count in the brightness that the eye sees. In
# thousandths, so that the sum is a whole number and rounds the same way in every library.
LUMA_THOUSANDTHS = (299, 587, 114)

_SAMPLE_FILE = Path(__file__).parent / "data" / "pictures" / "chelsea.png"
_WHAT_WE_READ = "Save it as PNG or JPEG and choose that file."
_EXIF_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# warnings.catch_warnings changes a list that all threads share: one reader at a time.
_decoding = threading.Lock()


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A picture ready to show: pixels uint8 (H, W, 3), read-only, and what was done to the file."""

    pixels: npt.NDArray[np.uint8]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.pixels.dtype != np.uint8 or self.pixels.ndim != 3 or self.pixels.shape[2] != 3:
            raise PictureError(
                f"a picture is uint8 (height, width, 3), not {self.pixels.dtype} "
                f"{self.pixels.shape}"
            )
        self.pixels.flags.writeable = False

    @property
    def height(self) -> int:
        """Rows of pixels."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Columns of pixels."""
        return int(self.pixels.shape[1])

    def to_png(self) -> bytes:
        """The same pixels as a PNG file."""
        buffer = io.BytesIO()
        Image.fromarray(self.pixels).save(buffer, format="PNG")
        return buffer.getvalue()


def read_picture(data: bytes, *, max_side: int) -> Picture:
    """Decode an uploaded file and shrink it to at most `max_side` pixels on its longer side.

    Turned as its EXIF orientation says; the first frame of an animation; transparency on white.
    Raises PictureError for anything that is not a whole PNG, JPEG, WebP, GIF or BMP picture of at
    most 8 MB and 40 megapixels. What the file is called plays no part.
    """
    if max_side < 1:
        raise SettingError(f"max_side must be at least 1, not {max_side}")
    if not data:
        raise PictureError("This file is empty (0 bytes). Choose another file.")
    if len(data) > MAX_BYTES:
        raise PictureError(
            f"This file has {len(data) / 1024**2:.1f} MB; up to {MAX_BYTES // 1024**2} MB are "
            "read. Save a smaller copy, for example as JPEG."
        )
    with _decoding, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # damaged metadata; sizes are checked below
        return _decode(data, max_side)


@lru_cache(maxsize=4)
def sample_picture(max_side: int = 240) -> Picture:
    """Chelsea the cat, by Stéfan van der Walt (CC0); 240 by 160 pixels or smaller."""
    return read_picture(_SAMPLE_FILE.read_bytes(), max_side=max_side)


def to_grey(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Brightness (H, W) of RGB pixels (H, W, 3): ITU-R BT.601 luma in whole levels 0 to 255."""
    red, green, blue = LUMA_THOUSANDTHS
    rgb = pixels.astype(np.int64)
    luma = (red * rgb[..., 0] + green * rgb[..., 1] + blue * rgb[..., 2] + 500) // 1000
    return luma.astype(np.float64)


def _decode(data: bytes, max_side: int) -> Picture:
    notes: list[str] = []
    # Pillow's plugins raise nearly every kind of exception on damaged files (OSError, ValueError,
    # SyntaxError, struct.error, KeyError, ...), so all of them mean the same here.
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError:
        raise _too_many_pixels(None) from None
    except Exception:
        raise PictureError(_not_a_picture(data)) from None
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise _too_many_pixels((width, height))
    if width < 1 or height < 1:
        raise PictureError(f"This picture has {width} × {height} pixels. {_WHAT_WE_READ}")
    try:
        if getattr(image, "is_animated", False):
            notes.append("It is animated: this is its first frame.")
        image.load()
        orientation = _orientation(image)
        flat = _to_rgb(image, notes, sixteen_bit=_is_16_bit(image, data))
    except Exception:
        raise PictureError(
            "This file starts like a picture but is damaged or cut short. Open it in a picture "
            "viewer, save it again and choose the new file."
        ) from None
    if orientation in _TURNS:
        flat = flat.transpose(_TURNS[orientation])
        notes.append("Turned upright, as the camera noted in the file.")
    width, height = flat.size
    if max(width, height) > max_side:
        scale = max_side / max(width, height)
        small = (max(1, round(width * scale)), max(1, round(height * scale)))
        flat = flat.resize(small, Image.Resampling.LANCZOS, reducing_gap=3.0)
        notes.append(f"Shrunk from {width} × {height} to {small[0]} × {small[1]} pixels.")
    return Picture(np.array(flat, dtype=np.uint8), tuple(notes))


def _too_many_pixels(size: tuple[int, int] | None) -> PictureError:
    given = f"{size[0]} × {size[1]} pixels" if size else "far too many pixels"
    return PictureError(
        f"This picture has {given}; up to {MAX_PIXELS // 1_000_000} million are read. "
        "Save a smaller copy, for example 1000 pixels wide."
    )


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_EXIF_ORIENTATION, 1))
    except Exception:  # a damaged EXIF block is no reason to refuse the picture
        return 1


def _is_16_bit(image: Image.Image, data: bytes) -> bool:
    # Pillow drops to 8 bits for colour without a trace, so look at the PNG header's bit depth.
    return image.mode.startswith("I") or (image.format == "PNG" and data[24:25] == b"\x10")


def _to_rgb(image: Image.Image, notes: list[str], *, sixteen_bit: bool) -> Image.Image:
    if sixteen_bit:
        notes.append("It has 16 bits a channel: reduced to 8.")
    if image.mode.startswith("I"):
        levels = np.asarray(image).astype(np.int64) >> 8
        return Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        clear = image.convert("RGBA")
        lowest = int(np.asarray(clear)[..., 3].min())
        white = Image.new("RGBA", clear.size, "white")
        if lowest < 255:
            notes.append("Its see-through parts are shown on white.")
        return Image.alpha_composite(white, clear).convert("RGB")
    if image.mode == "P":
        notes.append("Its palette was turned into plain red, green and blue.")
    elif image.mode == "CMYK":
        notes.append("Its printing colours (CMYK) were turned into red, green and blue.")
    return image.convert("RGB")


_LOOKS_LIKE: tuple[tuple[bytes, str], ...] = (
    (rb"PK(\x03\x04|\x05\x06)", "a zip archive or an office document"),
    (rb"%PDF", "a PDF document"),
    (rb"....ftyp(heic|heix|hevc|mif1|msf1)", "a HEIC photo, as iPhones save them"),
    (rb"....ftypavi[fs]", "an AVIF picture"),
    (rb"....ftyp", "a film"),
    (rb"II\*\x00|MM\x00\*", "a TIFF picture"),
    (rb"\x1f\x8b", "a gzip archive"),
    (rb"(?is)\s*(<\?xml.{0,400})?(<!--.{0,400})?(<!doctype svg.{0,400})?<svg", "an SVG drawing"),
    (rb"(?is)\s*(<!doctype html|<html)", "a web page"),
    (rb"\x89PNG|\xff\xd8\xff|GIF8[79]a|BM|RIFF....WEBP", "a damaged picture"),
)


def _not_a_picture(data: bytes) -> str:
    head = data[:2048]
    found = next((what for sign, what in _LOOKS_LIKE if re.match(sign, head, re.DOTALL)), None)
    if found is None and b"\0" not in head:
        try:
            head[:-3].decode("utf-8")
            found = "text"
        except UnicodeDecodeError:
            pass
    known = "PNG, JPEG, WebP, GIF and BMP pictures are read"
    if found == "a damaged picture":
        return (
            "This file starts like a picture but its header makes no sense. Open it in a picture "
            "viewer, save it again and choose the new file."
        )
    looks = f"This file looks like {found}" if found else "This file is not a picture we know"
    return f"{looks}; {known}, whatever the file is called. {_WHAT_WE_READ}"
