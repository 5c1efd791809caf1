"""Reading pictures: ordinary ones, odd ones, and files made to do harm."""

import contextlib
import gzip
import io
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from cnnviz import pictures
from cnnviz.errors import PictureError, SettingError
from cnnviz.pictures import MAX_BYTES, Picture, read_picture, sample_picture, to_grey

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def save(image: Image.Image, file_format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=file_format, **options)
    return buffer.getvalue()


def quarters() -> Image.Image:
    """Twelve by eight: red and green above, blue and white below."""
    pixels = np.full((8, 12, 3), 255, dtype=np.uint8)
    pixels[:4, :6], pixels[:4, 6:], pixels[4:, :6] = RED, GREEN, BLUE
    return Image.fromarray(pixels)


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_header_only(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", b"")


@pytest.mark.parametrize("file_format", ["PNG", "BMP", "GIF", "WEBP", "JPEG"])
def test_every_format_gives_the_pixels(file_format: str) -> None:
    options: dict[str, dict[str, Any]] = {
        "WEBP": {"lossless": True},
        "JPEG": {"quality": 95, "subsampling": 0},
    }
    picture = read_picture(
        save(quarters(), file_format, **options.get(file_format, {})), max_side=64
    )
    assert picture.pixels.dtype == np.uint8
    assert (picture.height, picture.width) == (8, 12)
    tolerance = 12 if file_format == "JPEG" else 0
    np.testing.assert_allclose(
        picture.pixels.astype(int), np.asarray(quarters()).astype(int), atol=tolerance
    )
    assert picture.notes == (
        ("Its palette was turned into plain red, green and blue.",) if file_format == "GIF" else ()
    )


def test_pixels_are_read_only_and_png_round_trips() -> None:
    picture = read_picture(save(quarters(), "PNG"), max_side=64)
    with pytest.raises(ValueError, match="read-only"):
        picture.pixels[0, 0, 0] = 1
    again = read_picture(picture.to_png(), max_side=64)
    np.testing.assert_array_equal(again.pixels, picture.pixels)


@pytest.mark.parametrize(
    ("size", "expected"),
    [((400, 100), (25, 100)), ((100, 400), (100, 25)), ((101, 1), (1, 100)), ((100, 7), (7, 100))],
)
def test_shrinks_to_the_longer_side(size: tuple[int, int], expected: tuple[int, int]) -> None:
    picture = read_picture(save(Image.new("RGB", size, "teal"), "PNG"), max_side=100)
    assert (picture.height, picture.width) == expected
    assert bool(picture.notes) == (max(size) > 100)
    if picture.notes:
        assert f"from {size[0]} × {size[1]} to {expected[1]} × {expected[0]}" in picture.notes[0]
    np.testing.assert_array_equal(picture.pixels[0, 0], [0, 128, 128])


def turned_back(image: Image.Image, orientation: int) -> Image.Image:
    """What a camera that was held so stores, so that the orientation brings the image back."""
    stored = {
        1: image,
        2: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        3: image.transpose(Image.Transpose.ROTATE_180),
        4: image.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
        5: image.transpose(Image.Transpose.TRANSPOSE),
        6: image.transpose(Image.Transpose.ROTATE_90),
        7: image.transpose(Image.Transpose.TRANSVERSE),
        8: image.transpose(Image.Transpose.ROTATE_270),
    }
    return stored[orientation]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["PNG", "WEBP"])
def test_exif_orientation_is_followed(orientation: int, file_format: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = turned_back(quarters(), orientation)
    options = {"lossless": True} if file_format == "WEBP" else {}
    picture = read_picture(save(stored, file_format, exif=exif, **options), max_side=64)
    np.testing.assert_array_equal(picture.pixels, np.asarray(quarters()))
    assert any("Turned upright" in note for note in picture.notes) == (orientation != 1)


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_changes_nothing(value: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = value
    picture = read_picture(save(quarters(), "PNG", exif=exif), max_side=64)
    np.testing.assert_array_equal(picture.pixels, np.asarray(quarters()))
    assert picture.notes == ()


@pytest.mark.parametrize("junk", [b"", b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"\0" * 30])
def test_damaged_exif_does_not_refuse_the_picture(junk: bytes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = save(quarters(), "JPEG", exif=junk)
    assert read_picture(data, max_side=64).height == 8


@pytest.mark.parametrize("file_format", ["GIF", "WEBP", "PNG"])
def test_an_animation_shows_its_first_frame(file_format: str) -> None:
    frames = [Image.new("RGB", (9, 7), colour) for colour in (RED, GREEN, BLUE)]
    options = {"lossless": True} if file_format == "WEBP" else {}
    data = save(frames[0], file_format, save_all=True, append_images=frames[1:], **options)
    picture = read_picture(data, max_side=64)
    np.testing.assert_array_equal(picture.pixels, np.asarray(frames[0]))
    assert "It is animated: this is its first frame." in picture.notes


def test_cmyk_becomes_rgb() -> None:
    picture = read_picture(save(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG"), max_side=64)
    np.testing.assert_allclose(picture.pixels[4, 4].astype(int), RED, atol=3)
    assert any("CMYK" in note for note in picture.notes)


def test_16_bit_grey_keeps_its_upper_byte() -> None:
    levels = np.array([[0, 255, 256, 32768, 65535]], dtype=np.uint16).repeat(3, axis=0)
    picture = read_picture(save(Image.fromarray(levels), "PNG"), max_side=64)
    np.testing.assert_array_equal(picture.pixels[0, :, 0], [0, 0, 1, 128, 255])
    assert picture.notes == ("It has 16 bits a channel: reduced to 8.",)


def test_16_bit_colour_is_reduced_and_said() -> None:
    rows = b"".join(
        b"\0" + b"".join(struct.pack(">HHH", 65535, 32768, 0) for _ in range(4)) for _ in range(3)
    )
    data = (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 3, 16, 2, 0, 0, 0))
        + png_chunk(b"IDAT", zlib.compress(rows))
        + png_chunk(b"IEND", b"")
    )
    picture = read_picture(data, max_side=64)
    np.testing.assert_array_equal(picture.pixels[2, 3], [255, 128, 0])
    assert picture.notes == ("It has 16 bits a channel: reduced to 8.",)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_laid_on_white(mode: str) -> None:
    image = Image.new("RGBA", (4, 2), (0, 0, 0, 255))
    image.putpixel((0, 0), (0, 0, 0, 0))
    image.putpixel((1, 0), (0, 0, 0, 128))
    picture = read_picture(save(image.convert(mode), "PNG"), max_side=64)
    assert [int(level) for level in picture.pixels[0, :3, 0]] == [255, 127, 0]
    assert picture.notes == ("Its see-through parts are shown on white.",)


def test_an_opaque_alpha_channel_is_no_news() -> None:
    assert read_picture(save(quarters().convert("RGBA"), "PNG"), max_side=64).notes == ()


@pytest.mark.parametrize("mode", ["1", "L"])
def test_black_and_white_pictures(mode: str) -> None:
    picture = read_picture(save(Image.new(mode, (5, 4), 1), "PNG"), max_side=64)
    assert set(picture.pixels.ravel().tolist()) == {255 if mode == "1" else 1}


def test_palette_with_a_transparent_entry() -> None:
    image = Image.new("P", (4, 4), 0)
    image.putpalette([9, 9, 9, 0, 0, 255])
    image.putpixel((0, 0), 1)
    picture = read_picture(save(image, "PNG", transparency=0), max_side=64)
    assert tuple(picture.pixels[0, 0]) == BLUE
    assert tuple(picture.pixels[1, 1]) == (255, 255, 255)


def test_the_extension_plays_no_part_but_the_format_does() -> None:
    with pytest.raises(PictureError, match="a TIFF picture"):
        read_picture(save(quarters(), "TIFF"), max_side=64)
    with pytest.raises(PictureError, match=r"not a picture we know.*PNG, JPEG, WebP, GIF and BMP"):
        read_picture(save(quarters().convert("L"), "ICO"), max_side=64)


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("cat.png", "meow")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: b"", "empty"),
        (zipped, "a zip archive.*Save it as PNG or JPEG"),
        (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing"),
        (lambda: b"<?xml version='1.0'?>\n<!-- a -->\n<svg/>", "an SVG drawing"),
        (lambda: b"<!DOCTYPE html><p>404", "a web page"),
        (lambda: "Kätzchen, aber kein Bild.\n".encode(), "looks like text"),
        (lambda: b"%PDF-1.7 ...", "a PDF document"),
        (lambda: b"\0\0\0\x18ftypheic" + b"\0" * 50, "a HEIC photo"),
        (lambda: b"\0\0\0\x18ftypavif" + b"\0" * 50, "an AVIF picture"),
        (lambda: gzip.compress(b"x"), "a gzip archive"),
        (lambda: b"\x89PNG\r\n\x1a\n", "its header makes no sense"),
        (lambda: b"\xff\xd8\xff", "its header makes no sense"),
        (lambda: b"RIFF\x10\0\0\0WEBPVP8 " + b"\0" * 9, "starts like a picture"),
        (lambda: b"BM" + b"\0" * 60, "starts like a picture"),
        (lambda: bytes(range(256)) * 9, "not a picture we know"),
    ],
)
def test_what_is_no_picture_is_named(make: Callable[[], bytes], message: str) -> None:
    with pytest.raises(PictureError, match=message):
        read_picture(make(), max_side=64)


@pytest.mark.parametrize("file_format", ["PNG", "BMP", "GIF", "WEBP", "JPEG"])
def test_no_cut_gets_an_error_of_another_kind_through(file_format: str) -> None:
    rng = np.random.default_rng(1)
    data = save(Image.fromarray(rng.integers(0, 256, (24, 24, 3), dtype=np.uint8)), file_format)
    refused = 0
    for length in range(0, len(data) - 1, 7):
        try:
            read_picture(data[:length], max_side=64)
        except PictureError:
            refused += 1
    assert refused > len(data) // 7 * 0.9


@pytest.mark.parametrize("file_format", ["PNG", "BMP", "GIF", "WEBP", "JPEG"])
def test_no_changed_bytes_get_an_error_of_another_kind_through(file_format: str) -> None:
    rng = np.random.default_rng(2)
    data = bytearray(save(quarters(), file_format))
    for _ in range(300):
        changed = bytearray(data)
        for position in rng.integers(0, len(data), 4):
            changed[position] = int(rng.integers(0, 256))
        with contextlib.suppress(PictureError):
            assert max(read_picture(bytes(changed), max_side=64).pixels.shape[:2]) <= 64


@pytest.mark.parametrize("size", [(6400, 6400), (12_000, 8_000), (65_535, 65_535), (2**31 - 1, 9)])
def test_a_bomb_is_refused_by_its_header(size: tuple[int, int]) -> None:
    with pytest.raises(PictureError, match="up to 40 million are read"):
        read_picture(png_header_only(*size), max_side=64)


def test_a_real_bomb_is_refused_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    data = save(Image.new("1", (9000, 9000)), "PNG")
    assert len(data) < 20_000
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("it was decoded"))
    with pytest.raises(PictureError, match=r"has 9000 × 9000 pixels.*1000 pixels wide"):
        read_picture(data, max_side=64)


def test_a_text_bomb_inside_a_png_does_not_expand() -> None:
    text = png_chunk(b"zTXt", b"note\0\0" + zlib.compress(b"\0" * 50_000_000))
    data = save(quarters(), "PNG")
    at = data.index(b"IDAT") - 4
    with pytest.raises(PictureError, match="starts like a picture"):
        read_picture(data[:at] + text + data[at:], max_side=64)


def test_a_header_that_promises_more_than_the_file_holds() -> None:
    with pytest.raises(PictureError, match="damaged or cut short"):
        read_picture(png_header_only(2000, 2000), max_side=64)


def test_too_many_bytes() -> None:
    with pytest.raises(PictureError, match=r"has 8\.0 MB; up to 8 MB"):
        read_picture(b"\x89PNG" + b"\0" * MAX_BYTES, max_side=64)


def test_max_side_must_be_possible() -> None:
    with pytest.raises(SettingError, match="max_side must be at least 1, not 0"):
        read_picture(save(quarters(), "PNG"), max_side=0)


def test_a_picture_holds_rgb_bytes_only() -> None:
    with pytest.raises(PictureError, match=r"uint8 \(height, width, 3\), not float64"):
        Picture(np.zeros((2, 2, 3)))  # type: ignore[arg-type]


def test_the_sample_is_chelsea() -> None:
    picture = sample_picture()
    assert (picture.height, picture.width) == (160, 240)
    assert picture.notes == ()
    assert sample_picture(max_side=168).pixels.shape == (112, 168, 3)
    grey = to_grey(picture.pixels)
    assert 90 < grey.mean() < 140
    assert grey.std() > 25


def test_the_sample_names_its_author_and_licence() -> None:
    readme = pictures._SAMPLE_FILE.with_name("README.md").read_text(encoding="utf-8")
    assert "CC0" in readme
    assert "Stéfan van der Walt" in readme


def test_grey_is_bt601_luma_in_whole_levels() -> None:
    pixels = np.array([[RED, GREEN, BLUE, (255, 255, 255), (10, 20, 30)]], dtype=np.uint8)
    np.testing.assert_array_equal(to_grey(pixels), [[76, 150, 29, 255, 18]])


def test_grey_is_what_pillow_gives_but_for_ties() -> None:
    rng = np.random.default_rng(3)
    pixels: npt.NDArray[np.uint8] = rng.integers(0, 256, (100, 100, 3), dtype=np.uint8)
    ours = to_grey(pixels)
    theirs = np.asarray(Image.fromarray(pixels).convert("L")).astype(np.float64)
    assert np.abs(ours - theirs).max() <= 1
    assert (ours != theirs).mean() < 0.01
