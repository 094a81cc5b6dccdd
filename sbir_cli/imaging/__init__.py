"""From a file or strokes to an image, and from an image to a model's pixels (PIL and numpy)."""
