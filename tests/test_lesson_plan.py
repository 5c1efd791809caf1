"""The lesson plan's links open what they promise, without a single correction."""

import re
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from cnnviz.backwards import search_from_query
from cnnviz.convolution_judge import compute
from cnnviz.convolution_lesson import VIEWS, LessonSettings, from_query, to_query
from cnnviz.errors import NoOutputError
from cnnviz.exercises import question_from_query
from cnnviz.picture_settings import PictureSettings

PLAN = Path(__file__).parent.parent / "docs" / "lessons" / "convolution.md"
LINKS = dict(
    re.findall(r"\[([^\]]+)\]\((http://localhost:8501/convolution[^)]*)\)", PLAN.read_text())
)


def open_link(title: str) -> LessonSettings:
    query = dict(parse_qsl(urlsplit(LINKS[title]).query))
    view = next(name for name in VIEWS if name == query.get("view", "hand"))
    settings, notes = from_query(view, query)
    assert notes == ()
    return settings


def test_the_plan_links_to_every_view() -> None:
    views = {dict(parse_qsl(urlsplit(link).query)).get("view", "hand") for link in LINKS.values()}
    assert views == {*VIEWS, "picture", "backwards", "quiz"}


@pytest.mark.parametrize("title", LINKS)
def test_every_link_opens_exactly_what_it_says(title: str) -> None:
    query = dict(parse_qsl(urlsplit(LINKS[title]).query))
    view = query.get("view", "hand")
    notes: tuple[str, ...]
    if view == "picture":
        picture, notes = PictureSettings.from_query(query)
        assert picture.to_query().items() <= query.items()
    elif view == "backwards":
        _, notes = search_from_query(query)
    elif view == "quiz":
        _, notes = question_from_query(query)
    else:
        shown = open_link(title)
        assert to_query(shown) == {key: text for key, text in query.items() if key != "view"}
        notes = ()
    assert notes == ()


def test_what_the_plan_says_about_its_steps_is_so() -> None:
    assert compute(open_link("the classic example"))[0, 0, 0] == 4
    assert compute(open_link("Padding 1")).shape == (1, 5, 5)
    padded = compute(open_link("Stride 2, padding 1"))
    assert padded.shape == (1, 3, 3)
    assert padded[0, 0, 0] == 2
    assert compute(open_link("same")).shape == (1, 5, 5)
    assert compute(open_link("same is uneven")).shape == (1, 5, 5)
    assert compute(open_link("Size 6, stride 2")).shape == (1, 2, 2)
    with pytest.raises(NoOutputError):
        compute(open_link("No output at all"))
    assert compute(open_link("Three channels, two filters")).shape == (2, 2, 2)
    assert compute(open_link("Ceil mode")).shape == (1, 3, 3)
