"""The links of the architectures lesson's plan open what they promise; its numbers hold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

import pytest

from cnnviz.activations.inside_settings import read_inside_settings
from cnnviz.activations.receptive import seen_layers
from cnnviz.activations.receptive_settings import read_field_settings
from cnnviz.architecture.first_linear import demanded, read_first_linear, torch_error
from cnnviz.architecture.layer_table import layer_table
from cnnviz.architecture.networks import build_without_numbers
from cnnviz.architecture.table_settings import read_table_settings
from cnnviz.data.datasets import PROJECT
from cnnviz.digits.settings import digit_query, read_digit_settings
from cnnviz.model_text.blueprint import read_network
from cnnviz.model_text.settings import read_paste_settings
from cnnviz.model_text.trace import trace_text
from cnnviz.one_step.network import losses, take_step
from cnnviz.one_step.settings import read_step_settings
from cnnviz.one_step.stages import stages_of
from cnnviz.ui.architecture_views import ARCHITECTURE_VIEWS
from cnnviz.ui.shipped import trained_card, trained_network, trained_networks

PLAN = (PROJECT / "docs" / "lessons" / "architectures.md").read_text()
LINKS = {
    title: dict(parse_qsl(urlsplit(link).query))
    for title, link in re.findall(
        r"\[([^\]]+)\]\((http://localhost:8501/architectures[^)]*)\)", PLAN.replace("\n", " ")
    )
}
BOLD = set(re.findall(r"\*\*([^*]+)\*\*", PLAN))
MODELS = tuple(file.name for file in trained_networks())


def reopened(query: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """What the page would write after opening this link, and what it would say."""
    view = query.get("view", "table")
    if view == "table":
        table, notes = read_table_settings(query)
        if table.layer:
            layer_table(build_without_numbers(table.network), table.input_shape).row(table.layer)
        return table.to_query(), notes
    if view == "flatten":
        linear, notes = read_first_linear(query)
        return linear.to_query(), notes
    if view == "paste":
        text, notes = read_paste_settings(query)
        return text.to_query(), notes
    if view == "field":
        field, notes = read_field_settings(query, MODELS)
        return field.to_query(), notes
    if view == "inside":
        inside, notes = read_inside_settings(query, MODELS)
        return inside.to_query(), notes
    if view == "digit":
        digit, notes = read_digit_settings(query)
        return digit_query(digit), notes
    step, notes = read_step_settings(query)
    return step.to_query(), notes


@pytest.mark.parametrize("title", LINKS)
def test_every_link_says_exactly_what_is_opened(title: str) -> None:
    query = LINKS[title]
    asked = {key: text for key, text in query.items() if key != "view"}
    assert reopened(query) == (asked, ())


def test_the_plan_goes_through_the_views() -> None:
    assert {query.get("view", "table") for query in LINKS.values()} == set(ARCHITECTURE_VIEWS)


def test_what_the_plan_says_of_the_tables_is_so() -> None:
    lenet = layer_table(build_without_numbers("lenet5"), (3, 32, 32))
    vgg = layer_table(build_without_numbers("tv:vgg16"), (3, 224, 224))
    numbers = (lenet.parameters, lenet.row("conv1").parameters, vgg.parameters, vgg.macs)
    assert {f"{number:,}" for number in numbers} <= BOLD
    assert lenet.row("conv1").parameter_formula == "6·(3·5·5 + 1)"


def test_what_the_plan_says_of_the_first_linear_is_so() -> None:
    def demand(title: str) -> int | None:
        return demanded(read_first_linear(LINKS[title])[0])

    assert demand("LeNet-5's first fully connected layer") == 400
    assert "400" in BOLD
    assert torch_error(read_first_linear(LINKS["Kernel 3 instead of 5"])[0])
    assert demand("MNIST's 28 × 28") == 16 * 4 * 4
    assert demand("It is 1") == 400


def test_what_the_plan_says_of_pasted_texts_is_so() -> None:
    def misfit(title: str) -> bool:
        settings = read_paste_settings(LINKS[title])[0]
        return trace_text(read_network(settings.text), settings.input_shape).misfit is not None

    assert misfit("A LeNet-5 that does not fit")
    assert misfit("The same network for ImageNet's pictures")
    assert not misfit("A residual network, pasted")


def test_what_the_plan_says_of_fields_is_so() -> None:
    layers = {
        layer.name: layer
        for layer in seen_layers(
            trained_network("plain_cnn-cifar10"),
            trained_card("plain_cnn-cifar10").spec.input_shape,
        )
    }
    for name in ("conv1_1", "conv1_2", "conv3_1"):
        tall, wide = layers[name].field.size
        assert f"{tall} × {wide}" in BOLD
    assert layers["conv3_1"].field.rows.jump == 4
    assert "4" in BOLD


def test_what_the_plan_says_of_one_step_is_so() -> None:
    usual = read_step_settings(LINKS["A network of one filter"])[0]
    first, second = losses(usual, 1)
    slow = losses(read_step_settings(LINKS["a learning rate of 0.01"])[0], 1)[1]
    assert {f"{loss:.3f}" for loss in (first, second, slow)} <= BOLD
    at = read_step_settings(LINKS["at the gradient of the logits"])[0]
    assert stages_of(at, take_step(at))[at.stage].key == "grad_logits"
