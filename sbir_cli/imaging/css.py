"""Style sheets as a renderer of plain SVG understands them: variables and newer colours put in."""

from __future__ import annotations

import re
from xml.etree import ElementTree

_DEFINITION = re.compile(r"(--[\w-]+)\s*:\s*([^;}]+)")
_VARIABLE = re.compile(r"var\(\s*(--[\w-]+)\s*(?:,\s*((?:[^()]|\([^()]*\))*))?\)")
_LIGHT_DARK = re.compile(r"light-dark\(\s*((?:[^(),]|\([^()]*\))+),(?:[^()]|\([^()]*\))+\)")
_NEWER = re.compile(r"\b(?:oklch|oklab|lch|lab|color|color-mix)\((?:[^()]|\([^()]*\))*\)")
_AT_RULE = re.compile(
    r"@(?:import|charset|namespace)[^;]*;|@(?:media|supports|keyframes|font-face)"
)
_FILTER = re.compile(r"(?<![\w-])filter\s*:[^;}]*")  # slow, and only ever an effect
_LONGEST = 1_000_000  # characters of a style sheet; a drawing's has a few hundred


def modernise(root: ElementTree.Element) -> None:
    """Replace, in place, what CSS has and SVG has not: `var()`, `light-dark()`, colours that are
    not sRGB (black stands for them), and at-rules, whose content is for other screens."""
    sheets = [e for e in root.iter() if e.tag.rpartition("}")[2] == "style"]
    for sheet in sheets:
        sheet.text = _without_at_rules((sheet.text or "")[:_LONGEST])
    texts = [sheet.text or "" for sheet in sheets] + [e.get("style", "") for e in root.iter()]
    defined = {name: value for text in texts for name, value in _DEFINITION.findall(text)}
    for sheet in sheets:
        sheet.text = _plain(sheet.text or "", defined)
    for element in root.iter():
        for key, value in element.attrib.items():
            if ("(" in value or key == "style") and len(value) < 10_000:
                element.attrib[key] = _plain(value, defined)


def _plain(text: str, defined: dict[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        return defined.get(match[1]) or match[2] or "black"

    for _ in range(4):  # variables that name variables
        text = _VARIABLE.sub(value, text)[:_LONGEST]
    return _NEWER.sub("black", _LIGHT_DARK.sub(r"\1", _FILTER.sub("", text)))


def _without_at_rules(text: str) -> str:
    kept, place = [], 0
    while match := _AT_RULE.search(text, place):
        kept.append(text[place : match.start()])
        place = match.end()
        if not match[0].endswith(";"):
            place = _end_of_block(text, place)
    return "".join(kept) + text[place:]


def _end_of_block(text: str, start: int) -> int:
    depth = 0
    for place in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0 and text[place] == "}":
            return place + 1
    return len(text)
