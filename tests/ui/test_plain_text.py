"""What viewers typed is shown as it is, and never as Markdown."""

from __future__ import annotations

import pytest

from cnnviz.ui.plain_text import plain


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("weight_decay is 11.0: use a number from 0 to 10", None),
        ("3 runs (of 4), 1.5 MB - all of them", None),
        ("![x](http://x.y) and <b>", r"!\[x\](http\://x.y) and \<b\>"),
        ("$1 and $2, *b* `c` ~d~ _e_", r"\$1 and \$2, \*b\* \`c\` \~d\~ \_e\_"),
        (":red[x] :smile: 5:30", r"\:red\[x\] \:smile: 5\:30"),
        ("# a\n- b\n1. c\n=====", "\\# a\n\\- b\n1\\. c\n\\====="),
        ("www.x.y & &amp; a\\b", r"www\.x.y \& \&amp; a\\b"),
    ],
)
def test_marks_are_taken_for_no_markup(text: str, markdown: str | None) -> None:
    assert plain(text) == (text if markdown is None else markdown)
