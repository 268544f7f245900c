"""Stored text inside a Markdown document, where it must stay data. Pure functions.

Whatever a text holds (headings, fences, HTML, line ends of every alphabet, invisible characters), the lines it becomes
all begin with the quote's mark, or stand inside a fence longer than any of its own; nothing after it changes meaning.
"""

import re
from collections.abc import Callable

_LINE_ENDS = re.compile("\r\n|[\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029]")
# Control characters, and those that reorder or hide text: what a reader sees must be what a model reads.
_HIDDEN = re.compile("[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff"
                     "\ufff9-\ufffb\U000e0000-\U000e007f]")  # fmt: skip
_SPECIAL = re.compile(r"[\\`*\[\]<>#|~]")
_SPACE = re.compile(r"\s+")
_LANGUAGE = re.compile(r"[^A-Za-z0-9+#.-]")
_BACKTICKS = re.compile("`+")
_TOKEN_CHARACTERS = 6
"""More characters than a token has on the average, in any language."""


def visible(text: str) -> str:
    """The text with hidden characters replaced by U+FFFD."""
    return _HIDDEN.sub("\ufffd", text)


def quoted(text: str, indent: str = "") -> str:
    """The text as a block quote: every line of it, by any convention, begins with `indent` and "> "."""
    lines = _LINE_ENDS.split(visible(text).rstrip())
    return "\n".join(f"{indent}> {line.rstrip()}".rstrip() for line in lines)


def inline(text: str, most: int = 80) -> str:
    """The text on one line of at most about `most` characters, meaning nothing to Markdown."""
    line = _SPACE.sub(" ", _LINE_ENDS.sub(" ", visible(text))).strip()
    if len(line) > most:
        line = line[: most - 1].rstrip() + "…"
    return _SPECIAL.sub(lambda match: "\\" + match[0], line)


def fenced(code: str, language: str = "") -> str:
    """The text as a code block whose fence nothing inside can close."""
    longest = max((len(run) for run in _BACKTICKS.findall(code)), default=0)
    fence = "`" * max(3, longest + 1)
    body = _HIDDEN.sub("\ufffd", code).removesuffix("\n")
    return f"{fence}{_LANGUAGE.sub('', language)[:30]}\n{body}\n{fence}"


def clipped(text: str, most_tokens: int, count_tokens: Callable[[str], int]) -> str:
    """The beginning of the text that makes at most so many tokens, cut between words where possible."""
    if len(text) <= most_tokens:
        # No tokenizer makes more tokens than characters of readable text.
        return text
    head = text[: most_tokens * _TOKEN_CHARACTERS]
    while head and (tokens := count_tokens(head)) > most_tokens:
        head = head[: int(len(head) * min(most_tokens / tokens, 0.95))]
    if len(head) == len(text):
        return text
    space = max(head.rfind(" "), head.rfind("\n"))
    return head[:space] if space > len(head) // 2 else head
