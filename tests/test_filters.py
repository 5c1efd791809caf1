"""Named filters: their weights, and what they do to pictures whose answer is known."""

import numpy as np
import numpy.typing as npt
import pytest
import torch

from cnnviz.errors import SettingError
from cnnviz.filters import FILTERS, NamedFilter, filter_by_key

KEEP_MEAN = {"identity", "box_blur", "gaussian_blur", "motion_blur", "sharpen", "emboss"}
FIND_CHANGES = {"sobel_x", "sobel_y", "prewitt_x", "laplacian", "edges", "laplacian_of_gaussian"}


def apply(key: str, image: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    weight = torch.tensor(filter_by_key(key).kernel, dtype=torch.float64)[None, None]
    found = torch.nn.functional.conv2d(
        torch.from_numpy(image.astype(np.float64))[None, None], weight
    )
    return np.asarray(found[0, 0].numpy(), dtype=np.float64)


@pytest.fixture(name="noise")
def _noise() -> npt.NDArray[np.float64]:
    return np.random.default_rng(0).uniform(0, 255, (12, 15))


def ramp(rows: int = 9, columns: int = 11, *, down: float, right: float) -> npt.NDArray[np.float64]:
    return down * np.arange(rows)[:, None] + right * np.arange(columns)[None, :]


def test_keys_are_unique_and_every_filter_is_explained() -> None:
    assert len({named.key for named in FILTERS}) == len(FILTERS)
    assert len({named.title for named in FILTERS}) == len(FILTERS)
    assert all(named.what.endswith(".") for named in FILTERS)
    assert {named.key for named in FILTERS} == KEEP_MEAN | FIND_CHANGES | {"checkerboard"}


@pytest.mark.parametrize("key", sorted(KEEP_MEAN))
def test_weights_that_sum_to_one_keep_a_flat_picture(key: str) -> None:
    assert filter_by_key(key).weight_sum == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(apply(key, np.full((9, 9), 80.0)), 80, atol=1e-9)


@pytest.mark.parametrize("key", sorted(FIND_CHANGES))
def test_weights_that_sum_to_zero_answer_zero_on_a_flat_picture(key: str) -> None:
    assert filter_by_key(key).weight_sum == 0
    np.testing.assert_array_equal(apply(key, np.full((9, 9), 80.0)), 0)


@pytest.mark.parametrize(("down", "right"), [(0.0, 3.0), (5.0, 0.0), (2.0, -4.0)])
def test_sobel_measures_eight_times_the_slope_along_its_own_axis(down: float, right: float) -> None:
    image = ramp(down=down, right=right)
    np.testing.assert_allclose(apply("sobel_x", image), 8 * right)
    np.testing.assert_allclose(apply("sobel_y", image), 8 * down)
    np.testing.assert_allclose(apply("prewitt_x", image), 6 * right)


@pytest.mark.parametrize("key", ["laplacian", "edges", "laplacian_of_gaussian"])
def test_second_derivatives_ignore_a_slope(key: str) -> None:
    np.testing.assert_allclose(apply(key, ramp(down=2, right=-4)), 0, atol=1e-9)


def test_laplacian_is_the_second_derivative_of_a_parabola() -> None:
    x = np.arange(9.0)
    np.testing.assert_allclose(apply("laplacian", x[None, :] ** 2 + 3 * x[:, None] ** 2), 2 + 6)


def test_identity_returns_the_inner_picture(noise: npt.NDArray[np.float64]) -> None:
    np.testing.assert_array_equal(apply("identity", noise), noise[1:-1, 1:-1])


def test_box_blur_is_the_mean_of_nine(noise: npt.NDArray[np.float64]) -> None:
    windows = np.lib.stride_tricks.sliding_window_view(noise, (3, 3))
    np.testing.assert_allclose(apply("box_blur", noise), windows.mean(axis=(2, 3)))


def test_gaussian_is_separable_and_its_middle_weighs_most() -> None:
    binomial = np.array([1, 4, 6, 4, 1]) / 16
    np.testing.assert_array_equal(
        filter_by_key("gaussian_blur").kernel, np.outer(binomial, binomial)
    )


def test_motion_blur_averages_along_the_diagonal_only() -> None:
    same_along_diagonals = ramp(9, 9, down=1, right=-1)
    np.testing.assert_allclose(
        apply("motion_blur", same_along_diagonals), same_along_diagonals[3:-3, 3:-3], atol=1e-9
    )


def test_blurs_lower_the_variance_and_sharpening_raises_it(noise: npt.NDArray[np.float64]) -> None:
    for key in ("box_blur", "gaussian_blur", "motion_blur"):
        assert apply(key, noise).var() < noise.var() / 2
    assert apply("sharpen", noise).var() > 2 * noise.var()


def test_sharpen_is_the_picture_minus_its_laplacian(noise: npt.NDArray[np.float64]) -> None:
    np.testing.assert_allclose(
        apply("sharpen", noise), noise[1:-1, 1:-1] - apply("laplacian", noise)
    )


@pytest.mark.parametrize(
    "key", ["identity", "box_blur", "gaussian_blur", "sharpen", "laplacian", "edges"]
)
def test_filters_without_a_direction_look_the_same_from_every_side(key: str) -> None:
    kernel = np.array(filter_by_key(key).kernel)
    np.testing.assert_array_equal(kernel, np.rot90(kernel))
    np.testing.assert_array_equal(kernel, kernel.T)


def test_filters_with_a_direction_change_sign_when_turned_around() -> None:
    for key in ("sobel_x", "sobel_y", "prewitt_x"):
        kernel = np.array(filter_by_key(key).kernel)
        np.testing.assert_array_equal(kernel, -kernel[::-1, ::-1])
    np.testing.assert_array_equal(
        filter_by_key("sobel_y").kernel, np.array(filter_by_key("sobel_x").kernel).T
    )


def test_the_lesson_filter_gives_the_lesson_numbers() -> None:
    image = np.array(
        [[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0], [0, 1, 1, 0, 0]]
    )
    np.testing.assert_array_equal(
        apply("checkerboard", image.astype(np.float64)), [[4, 3, 4], [2, 4, 3], [2, 3, 4]]
    )


def test_an_unknown_key_names_the_known_ones_and_repeats_little() -> None:
    with pytest.raises(SettingError, match=r"no filter is called 'cat'; there are identity, "):
        filter_by_key("cat")
    with pytest.raises(SettingError) as caught:
        filter_by_key("x" * 10_000)
    assert "x" * 41 not in str(caught.value)


@pytest.mark.parametrize("kernel", [(), ((1.0, 1.0), (1.0, 1.0)), ((1.0, 2.0, 3.0),) * 2])
def test_kernels_are_square_and_of_odd_size(kernel: tuple[tuple[float, ...], ...]) -> None:
    with pytest.raises(SettingError, match="square and of odd size"):
        NamedFilter("own", "Own", kernel, "Nothing.")
