"""Training on line drawings of plain photos, and on drawings with names: no pairs are needed.

The photo branch stays the plain model: a photo's own embedding, computed once, teaches its
drawings; the embedding of a name teaches the drawings that bear it.
"""
