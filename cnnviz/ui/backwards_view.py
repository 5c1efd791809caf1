"""Ask it backwards: every setting that turns one size into another."""

import streamlit as st

from cnnviz.backwards import (
    LIMITS,
    Search,
    search_from_query,
    search_to_query,
    write_formula,
    write_layer,
)
from cnnviz.convolution_lesson import (
    BOUNDS,
    LessonSettings,
    lesson_image,
    lesson_weight,
    opening_settings,
)
from cnnviz.geometry import ConvSpec
from cnnviz.ui import window_view
from cnnviz.ui.url_state import PageState
from cnnviz.ui.views import go_to_view

_LABELS = {
    "from_size": "From input size",
    "to_size": "to output size",
    "max_kernel": "Kernel up to",
    "max_stride": "Stride up to",
    "max_padding": "Padding up to",
    "max_dilation": "Dilation up to",
    "in_channels": "Input channels",
    "out_channels": "Output channels",
}


def show(state: PageState) -> None:
    """The question in numbers, the table of answers, and the chosen one as a layer."""
    if state.has_news_for(_key("from_size")):
        asked, notes = search_from_query(state.query)
        for name in _LABELS:
            st.session_state[_key(name)] = getattr(asked, name)
        state.keep_notes(notes)
    state.show_notes()
    search = _ask()
    state.write({"view": "backwards"} | search_to_query(search))
    found = search.find()
    if not found:
        _say_nothing_found(search)
        return
    st.markdown(
        f"**{len(found)} {'setting turns' if len(found) == 1 else 'settings turn'} "
        f"{search.from_size} into {search.to_size}**, fewest parameters first. "
        "Choose a row to see it as a layer."
    )
    chosen = _show_table(search, found)
    st.code(write_layer(chosen, search.in_channels, search.out_channels), language="python")
    settings = _by_hand(chosen, search.from_size)
    if settings is not None:
        st.button("Walk this window by hand", on_click=_open_by_hand, args=(settings,))


def _key(name: str) -> str:
    return f"convolution.backwards.{name}"


def _ask() -> Search:
    values = {}
    names = list(_LABELS)
    for row in (names[:2] + names[6:], names[2:6]):
        for column, name in zip(st.columns(4), row, strict=True):
            low, high = LIMITS[name]
            # Kept under a key of its own: a widget's key is forgotten while another view is shown.
            kept = st.session_state.setdefault(_key(name), getattr(Search(), name))
            values[name] = st.session_state[_key(name)] = column.number_input(
                _LABELS[name], low, high, value=kept, key=f"{_key(name)}.field.{kept}"
            )
    return Search(**values)


def _show_table(search: Search, found: tuple[ConvSpec, ...]) -> ConvSpec:
    """The table; returns the chosen setting, or the first."""
    size, channels = search.from_size, (search.in_channels, search.out_channels)
    event = st.dataframe(
        {
            "kernel": [spec.kernel_size[0] for spec in found],
            "stride": [spec.stride[0] for spec in found],
            "padding": [spec.pad_sides[0][0] for spec in found],
            "dilation": [spec.dilation[0] for spec in found],
            "with the numbers put in": [write_formula(spec, size) for spec in found],
            "pixels thrown away": [spec.axes[0].remainder(size) for spec in found],
            "parameters": [spec.count_parameters(*channels) for spec in found],
            "multiply-accumulates": [spec.count_macs(size, size, *channels) for spec in found],
        },
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key="convolution.backwards.table",
        column_config={
            "pixels thrown away": st.column_config.NumberColumn(
                help="Rows and columns of the padded input that the floor leaves unread"
            ),
            "parameters": st.column_config.NumberColumn(format="localized"),
            "multiply-accumulates": st.column_config.NumberColumn(format="localized"),
        },
    )
    rows = event["selection"]["rows"]
    return found[rows[0]] if rows and rows[0] < len(found) else found[0]


def _say_nothing_found(search: Search) -> None:
    near = search.nearest_reachable()
    text = f"No setting within these bounds turns {search.from_size} into {search.to_size}. " + (
        f"The nearest sizes that one does reach: {' and '.join(map(str, near))}. " if near else ""
    )
    if search.to_size > search.from_size:
        text += (
            "A convolution can only grow its input by padding; a transposed one grows it freely."
        )
    else:
        text += "A larger stride or kernel shrinks more."
    st.info(text)


def _by_hand(spec: ConvSpec, size: int) -> LessonSettings | None:
    """The setting for the view by hand, or None where it is too large to be walked."""
    bounds = BOUNDS["hand"]
    kernel, stride, dilation = spec.kernel_size[0], spec.stride[0], spec.dilation[0]
    padding = spec.pad_sides[0][0]
    wanted = (
        (size, bounds.size),
        (kernel, bounds.kernel),
        (stride, bounds.stride),
        (padding, bounds.padding),
        (dilation, bounds.dilation),
    )
    if not all(low <= value <= high for value, (low, high) in wanted):
        return None
    opening = opening_settings("hand")
    return LessonSettings(
        view=opening.view,
        size=size,
        kernel=kernel,
        stride=stride,
        padding=padding,
        dilation=dilation,
        image=lesson_image("hand", size),
        weight=lesson_weight("hand", kernel),
    )


def _open_by_hand(settings: LessonSettings) -> None:
    window_view.open_settings(settings)
    go_to_view("convolution", "hand")
