"""The text word by word, before anything parses it: what cannot be meant is refused.

Keywords, signs and depths that are not needed for a network end here, so that the parser, which
calls itself for every depth, is only given what it can take.
"""

from __future__ import annotations

import io
import textwrap
import tokenize
from collections.abc import Iterator
from typing import Final

from cnnviz.errors import ModelTextError
from cnnviz.model_text import bounds
from cnnviz.settings import shown

_KEYWORDS: Final = {
    "lambda": "lambda is not read here: write a layer or a function by its name",
    **dict.fromkeys(
        ("for", "while", "async", "await"),
        "loops are not read here: write the layers one below the other",
    ),
    **dict.fromkeys(
        ("if", "elif", "else", "match", "not", "and", "or", "is", "in"),
        "conditions are not read here: write the one way that is meant",
    ),
    **dict.fromkeys(
        ("try", "except", "finally", "raise", "assert", "with", "del", "global", "nonlocal"),
        "this statement is not read here: a network needs assignments and a return",
    ),
    **dict.fromkeys(("yield", "break", "continue"), "this statement is not read here"),
    **dict.fromkeys(
        ("eval", "exec", "compile", "open", "getattr", "setattr", "globals", "locals", "vars"),
        "this name is not allowed: nothing of a text is executed here",
    ),
    "print": "print is not needed: every shape stands in the table; leave this line out",
}
_SIGNS: Final = frozenset([*"()[],:.=+-*/%", "//", "**", "->", "+=", "-=", "*=", "/="])
_SIGN_WORDS: Final = {
    "@": "decorators are not read here",
    ":=": "an assignment within an expression is not read here",
    ";": "write one statement on a line",
    "{": "dictionaries and sets are not read here",
    "...": "put the layers where the dots are",
}
_DUNDERS: Final = ("__init__",)


def tidy(text: object) -> str:
    """The text as it is kept: without the margin and the line ends of where it came from."""
    if not isinstance(text, str):
        raise ModelTextError(f"the network is {shown(text)}: use text")
    _check_size(text)
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u00a0", " ").lstrip("\ufeff")
    lines = textwrap.dedent(text.expandtabs(4)).split("\n")
    kept = "\n".join(line.rstrip() for line in lines).strip("\n")
    _check_size(kept)
    for number, line in enumerate(kept.split("\n"), start=1):
        if odd := next((sign for sign in line if not sign.isprintable()), None):
            raise ModelTextError(f"there is a character {odd!r}, which belongs in no text", number)
    return kept


def _check_size(text: str) -> None:
    if len(text) > bounds.MAX_CHARACTERS:
        raise ModelTextError(
            f"the text has {len(text):,} characters: use at most {bounds.MAX_CHARACTERS:,}"
        )
    if text.count("\n") >= bounds.MAX_LINES:
        raise ModelTextError(f"the text has too many lines: use at most {bounds.MAX_LINES}")


def check_tokens(text: str) -> None:
    """ModelTextError for the first word or sign that no network here needs.

    text: as `tidy` gives it.
    """
    brackets = run = indents = 0
    for count, token in enumerate(_tokens(text)):
        if count > bounds.MAX_TOKENS:
            raise _refusal(token, f"there are more than {bounds.MAX_TOKENS:,} words and signs")
        kind, word = token.exact_type, token.string
        if token.type in (tokenize.COMMENT, tokenize.NL):
            continue
        if kind == tokenize.INDENT:
            indents += 1
            if indents > bounds.MAX_INDENTS:
                raise _refusal(token, "this is indented too deeply")
        elif kind == tokenize.DEDENT:
            indents -= 1
        elif token.type == tokenize.NAME:
            _check_name(token)
        elif token.type == tokenize.NUMBER:
            _check_number(token)
        elif token.type == tokenize.STRING:
            _check_string(token)
        elif token.type == tokenize.OP:
            if word not in _SIGNS:
                raise _refusal(token, _SIGN_WORDS.get(word, f"{word} is not read here"))
        elif token.type not in (tokenize.NEWLINE, tokenize.ENDMARKER):
            raise _refusal(token, f"{shown(word)} is not read here: no f-strings, no other signs")
        brackets += (word in ("(", "[")) - (word in (")", "]"))
        if brackets > bounds.MAX_BRACKETS:
            raise _refusal(token, f"more than {bounds.MAX_BRACKETS} brackets within each other")
        run = 0 if word == "," or kind == tokenize.NEWLINE else run + 1
        if run > bounds.MAX_RUN:
            raise _refusal(token, f"more than {bounds.MAX_RUN} words and signs without a comma")


def _tokens(text: str) -> Iterator[tokenize.TokenInfo]:
    words = tokenize.generate_tokens(io.StringIO(text + "\n").readline)
    while True:
        try:
            token = next(words)
        except StopIteration:
            return
        except tokenize.TokenError as error:
            message, (line, _) = error.args
            what = "a string" if "string" in message else "a bracket"
            last = min(line, text.count("\n") + 1)
            raise ModelTextError(f"{what} is opened and never closed", last) from None
        except SyntaxError as error:  # IndentationError is one
            raise ModelTextError(f"no Python: {error.msg}", error.lineno or 1) from None
        yield token


def _check_name(token: tokenize.TokenInfo) -> None:
    name = token.string
    if name in _KEYWORDS:
        raise _refusal(token, _KEYWORDS[name])
    if not name.isascii():
        raise _refusal(token, f"the name {shown(name)} has letters beyond a to z: use those")
    if len(name) > bounds.MAX_NAME:
        raise _refusal(token, f"a name is {len(name)} letters long: use {bounds.MAX_NAME}")
    if "__" in name and name not in _DUNDERS:
        raise _refusal(token, f"the name {name} is not allowed: no names with two underscores")


def _check_number(token: tokenize.TokenInfo) -> None:
    if len(token.string) > bounds.MAX_DIGITS:
        raise _refusal(token, f"a number has more than {bounds.MAX_DIGITS} digits")


def _check_string(token: tokenize.TokenInfo) -> None:
    if token.string[0] not in "'\"":
        raise _refusal(token, "strings with a letter before them (f-strings) are not read here")
    if "\\" in token.string:
        raise _refusal(token, "a string has a backslash: leave it out")


def _refusal(token: tokenize.TokenInfo, reason: str) -> ModelTextError:
    line, column = token.start
    return ModelTextError(reason, line, column + 1)
