"""Which parts of a sketch met which parts of a photo."""

from sbir_cli.explanation.matching import Explanation, Pair, explain
from sbir_cli.explanation.picture import colour, picture

__all__ = ["Explanation", "Pair", "colour", "explain", "picture"]
