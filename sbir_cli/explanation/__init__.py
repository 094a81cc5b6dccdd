"""Which parts of a sketch met which parts of a photo."""

from sbir_cli.explanation.matching import Explanation, Pair, explain
from sbir_cli.explanation.picture import LINES, MEANING, colour, picture

__all__ = ["LINES", "MEANING", "Explanation", "Pair", "colour", "explain", "picture"]
