"""Two networks: McNemar's test against published values, scipy and simulation; what is said."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, chi2

from cnnviz.confusion.comparison import Comparison, Outcomes, comparison_sentences, p_text
from cnnviz.confusion.judgements import Judgements
from cnnviz.confusion.mcnemar import McNemar, difference_interval
from cnnviz.errors import SettingError, ShapeError
from tests.confusion.invented import logits_for, some_logits


@pytest.mark.parametrize(
    ("counts", "asymptotic", "corrected", "exact", "mid_p"),
    [
        # Bentur et al. 2009, in Fagerland, Lydersen & Laake 2013, "The McNemar test for binary
        # matched-pairs data", tables 1 and 6
        ((1, 7), 0.034, 0.077, 0.070, 0.039),
        # Cavo et al. 2012, in Fagerland, Lydersen & Laake 2017, "Statistical Analysis of
        # Contingency Tables", chapter 8
        ((6, 16), 0.033006, 0.055009, 0.052479, 0.034690),
    ],
)
def test_as_published(
    counts: tuple[int, int], asymptotic: float, corrected: float, exact: float, mid_p: float
) -> None:
    for test in (McNemar(*counts), McNemar(*reversed(counts))):
        digits = 5e-4 if asymptotic == 0.034 else 5e-7
        assert test.asymptotic == pytest.approx(asymptotic, abs=digits)
        assert test.corrected == pytest.approx(corrected, abs=digits)
        assert test.exact == pytest.approx(exact, abs=digits)
        assert test.mid_p == pytest.approx(mid_p, abs=digits)


def test_by_hand() -> None:
    test = McNemar(1, 7)
    assert test.exact == 2 * (1 + 8) / 256
    assert test.mid_p == (2 * (1 + 8) - 8) / 256
    assert test.chi_squared == 36 / 8
    assert test.corrected_chi_squared == 25 / 8
    equal = McNemar(2, 2)
    assert equal.exact == equal.asymptotic == equal.corrected == 1
    assert equal.mid_p == 1 - 6 / 16 / 2
    nothing = McNemar(0, 0)
    assert nothing.exact == nothing.mid_p == nothing.asymptotic == nothing.corrected == 1


@given(st.integers(0, 400), st.integers(0, 400))
def test_against_scipy(first: int, second: int) -> None:
    test, count = McNemar(first, second), first + second
    if count == 0:
        return
    assert test.exact == pytest.approx(binomtest(first, count).pvalue, rel=1e-9)
    at_most, there = binom.cdf(min(first, second), count, 0.5), binom.pmf(first, count, 0.5)
    if first != second:
        assert test.mid_p == pytest.approx(2 * at_most - there, rel=1e-9)
        corrected = (abs(first - second) - 1) ** 2 / count
        assert test.corrected == pytest.approx(chi2.sf(corrected, 1), rel=1e-9, abs=1e-300)
    assert test.asymptotic == pytest.approx(
        chi2.sf((first - second) ** 2 / count, 1), rel=1e-9, abs=1e-300
    )
    assert 0 <= test.mid_p <= test.exact <= 1


def test_thousands_of_pictures_are_no_trouble() -> None:
    test = McNemar(3000, 4000)
    assert test.exact == pytest.approx(binomtest(3000, 7000).pvalue, rel=1e-6)
    assert McNemar(0, 20_000).exact == 0  # less than the smallest float
    with pytest.raises(SettingError, match="first_only is -1"):
        McNemar(-1, 2)


@pytest.mark.parametrize("pictures", [50, 200, 1000])
@pytest.mark.parametrize("discordant", [0.1, 0.3])
def test_equal_networks_are_found_different_as_rarely_as_promised(
    pictures: int, discordant: float
) -> None:
    """Of equally good networks no more than 5 in 100 have a p value below 0.05."""
    random = np.random.default_rng(pictures)
    half = discordant / 2
    cells = random.multinomial(pictures, [half, half, 1 - discordant], 20_000)
    pairs, counts = np.unique(cells[:, :2], axis=0, return_counts=True)
    tests = [McNemar(int(first), int(second)) for first, second in pairs]
    shares = {
        name: float(counts @ np.array([getattr(test, name) < 0.05 for test in tests])) / 20_000
        for name in ("exact", "corrected", "mid_p")
    }
    assert all(share < 0.053 for share in shares.values()), shares
    assert shares["mid_p"] > max(shares["exact"], shares["corrected"])  # less caution than need be


@pytest.mark.parametrize(
    ("first", "second"), [(0.05, 0.05), (0.1, 0.02), (0.01, 0.005), (0.3, 0.2)]
)
@pytest.mark.parametrize("pictures", [50, 1000])
def test_the_interval_holds_the_true_difference(first: float, second: float, pictures: int) -> None:
    random = np.random.default_rng(round(1e4 * first) + pictures)
    cells = random.multinomial(pictures, [first, second, 1 - first - second], 10_000)
    pairs, counts = np.unique(cells[:, :2], axis=0, return_counts=True)
    ends = (difference_interval(int(a), int(b), pictures) for a, b in pairs)
    hits = np.array([low <= second - first <= high for low, high in ends])
    assert counts @ hits / counts.sum() > 0.94


def test_the_interval_by_hand() -> None:
    low, high = difference_interval(6, 16, 161)
    # p of (16 + 1) / 163 and (6 + 1) / 163
    centre, spread = 10 / 163, (24 / 163 - (10 / 163) ** 2) / 163
    reach = 1.959963984540054 * spread**0.5
    assert (low, high) == pytest.approx((centre - reach, centre + reach))
    with pytest.raises(SettingError, match="22 of 21 pictures"):
        difference_interval(6, 16, 21)


def test_pictures_fall_to_whom_they_should() -> None:
    labels = np.array([0, 0, 1, 1, 2, 2])
    first = Judgements(logits_for(np.array([0, 1, 1, 0, 1, 1]), 3), labels)
    second = Judgements(logits_for(np.array([0, 0, 0, 0, 0, 1]), 3), labels)
    both = Comparison(first, second)
    assert both.disagree.tolist() == [False, True, True, False, True, False]
    assert both.first_only.tolist() == [False, False, True, False, False, False]
    assert both.second_only.tolist() == [False, True, False, False, False, False]
    outcomes = both.counts
    assert outcomes == Outcomes(
        both_right=1, first_only=1, second_only=1, same_mistake=2, other_mistakes=1
    )
    assert (outcomes.count, outcomes.difference) == (6, 0)
    assert outcomes.test == McNemar(1, 1)


@given(st.integers(0, 1000), st.integers(2, 5))
def test_the_counts_add_up(seed: int, classes: int) -> None:
    (first, labels), (second, _) = (
        some_logits(60, classes, seed),
        some_logits(60, classes, seed + 1),
    )
    both = Comparison(Judgements(first, labels), Judgements(second, labels))
    outcomes = both.counts
    assert outcomes.count == len(both) == 60
    accuracies = [judged.is_correct.mean() for judged in (both.first, both.second)]
    assert outcomes.difference == pytest.approx(accuracies[1] - accuracies[0])
    low, high = outcomes.difference_interval
    assert low < high


def test_different_pictures_are_not_compared() -> None:
    logits, labels = some_logits(10, 3)
    with pytest.raises(ShapeError, match="compare two on the same pictures"):
        Comparison(Judgements(logits, labels), Judgements(logits[:9], labels[:9]))


def test_what_a_teacher_reads() -> None:
    clear = Outcomes(
        both_right=7000, first_only=300, second_only=1400, same_mistake=700, other_mistakes=600
    )
    assert comparison_sentences(clear, "LeNet-5", "VGG-16") == (
        "Of 10,000 pictures both networks get 7,000 right and 1,300 wrong; these do not say which "
        "is better.",
        "On the other 1,700 only one is right: LeNet-5 on 300, VGG-16 on 1,400.",
        "If both were equally good, these pictures would fall to either of them like tosses of a "
        "coin. So uneven a split would then come up less than once in a thousand times (McNemar's "
        "test, mid-p value below 0.001).",
        "So VGG-16 is better on such pictures, by 11.00 percentage points (95 % interval: 10.22 to "
        "11.78).",
        "The test is about these two trained networks; trained again from another seed, each would "
        "differ a little.",
    )
    swapped = Outcomes(
        both_right=7000, first_only=1400, second_only=300, same_mistake=700, other_mistakes=600
    )
    said = comparison_sentences(swapped, "VGG-16", "LeNet-5")
    assert said[3] == comparison_sentences(clear, "LeNet-5", "VGG-16")[3]
    unclear = Outcomes(both_right=80, first_only=6, second_only=9, same_mistake=5, other_mistakes=0)
    said = comparison_sentences(unclear, "A", "B")
    assert "45 times in a hundred" in said[2]
    assert said[3] == (
        "That is no rare thing, so these pictures do not show that one is better. The accuracy of "
        "B less that of A may lie anywhere from −4.96 to 10.84 percentage points."
    )
    alike = Outcomes(both_right=9, first_only=0, second_only=0, same_mistake=1, other_mistakes=0)
    assert comparison_sentences(alike, "A", "B")[1:] == (
        "No picture is left on which one is right and the other wrong.",
    )


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ((0, 11), "up less than once in a thousand times ("),
        ((0, 10), "up less than once in a thousand times ("),
        ((0, 9), "up 2 times in a thousand ("),
        ((0, 7), "up 8 times in a thousand ("),
        ((1, 8), "up 2 times in a hundred ("),
        ((10, 30), "up once in a thousand times ("),
        ((500, 501), "up 97 times in a hundred ("),
    ],
)
def test_how_often_chance_would_do_it(counts: tuple[int, int], said: str) -> None:
    first, second = counts
    outcomes = Outcomes(
        both_right=10, first_only=first, second_only=second, same_mistake=1, other_mistakes=1
    )
    assert said in comparison_sentences(outcomes, "A", "B")[2]


@pytest.mark.parametrize(
    ("p", "text"), [(0.0, "below 0.001"), (0.0123, "0.012"), (0.456, "0.46"), (1.0, "1.00")]
)
def test_p_values_as_printed(p: float, text: str) -> None:
    assert p_text(p) == text
