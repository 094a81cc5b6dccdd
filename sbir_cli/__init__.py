"""sbir: find photos by drawing (prompted CLIP for sketch-based image retrieval)."""

__version__ = "0.1.0"
