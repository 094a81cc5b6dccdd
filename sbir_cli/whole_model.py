"""The parts of a model that most questions do without: its text tower and its photo branch."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from sbir_cli.embedding import photo_pixels
from sbir_cli.encoder import SketchEncoder, load_encoder
from sbir_cli.encoder.model_files import Part
from sbir_cli.errors import ImageError, MismatchError, ModelError

if TYPE_CHECKING:
    from sbir_cli.encoder.torch_encoder import PromptedEncoder

WORDS_TEMPLATE = "a photo of {}"
"""What the text tower reads of words."""
_KEPT_TEXTS = 256


class WholeModel:
    """Words and photos by the model behind a sketch encoder: by its graphs of them, or in torch,
    which is loaded when it is first needed, in seconds.

    Args:
        encoder: embeds the sketches; if it is the whole model already, nothing is loaded.
        lock: held while the model computes.
    """

    def __init__(self, encoder: SketchEncoder, lock: threading.Lock) -> None:
        self._encoder, self._computing = encoder, lock
        self._loading, self._opening = threading.Lock(), threading.Lock()  # torch; a graph
        self._model: PromptedEncoder | None = None
        self._texts: dict[str, npt.NDArray[np.float32]] = {}

    def load(self) -> PromptedEncoder:
        """The model in torch.

        Raises:
            ModelError: it cannot be loaded.
            MismatchError: its files were changed since the sketch encoder was loaded.
        """
        with self._loading:
            if self._model is None:
                self._model = self._load()
            return self._model

    def ready(self) -> None:
        """Load what words and photos need; errors as `load`."""
        self._able("text")
        self._able("photo")

    def _able(self, part: Part) -> Any:
        """What embeds texts or photos: the sketch encoder itself, if it has a graph of that."""
        has = getattr(self._encoder, "has", None)
        if has is not None:
            with self._opening:
                able = has(part)
            if able:
                return self._encoder
        return self.load()

    def _load(self) -> PromptedEncoder:
        known: Any = self._encoder
        if hasattr(known, "clip"):
            return cast("PromptedEncoder", known)
        model = load_encoder(known.name, "cpu", download=False)
        if model.fingerprint != known.fingerprint:
            raise MismatchError(f"{known.name} was changed meanwhile", remedy="start again")
        return model

    def words(self, texts: Sequence[str]) -> list[npt.NDArray[np.float32]]:
        """(D,) unit-length embeddings of some texts; the last few hundred are kept.

        Raises:
            ModelError: the model has no text tower, or cannot be loaded.
        """
        new = [text for text in dict.fromkeys(texts) if text not in self._texts]
        if new:
            model = self._able("text")
            try:
                with self._computing:
                    encoded = model.encode_texts([WORDS_TEMPLATE.format(text) for text in new])
            except ModelError:
                raise
            except Exception as error:  # open_clip finds no tokenizer, or no text tower
                raise ModelError(
                    f"{model.name} does not understand words", remedy="draw instead"
                ) from error
            while len(self._texts) > _KEPT_TEXTS:
                self._texts.pop(next(iter(self._texts)), None)
            self._texts.update(zip(new, encoded, strict=True))
        return [self._texts[text] for text in texts]

    def photos(self, paths: Sequence[Path]) -> list[npt.NDArray[np.float32]]:
        """(D,) unit-length embeddings of photo files.

        Raises:
            ImageError: one cannot be read.
        """
        model = self._able("photo")
        pixels = []
        for path in paths:
            try:
                pixels.append(photo_pixels(path, model.preprocess))
            except ImageError as error:
                raise ImageError(error.what, where=path, remedy=error.remedy) from error
        with self._computing:
            return list(model.encode_photos(np.stack(pixels)))
