"""A model that can be loaded again: by other processes, on other machines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sbir_cli.encoder import PhotoEncoder, load_encoder

MakeEncoder = Callable[[], PhotoEncoder]


@dataclass(frozen=True)
class LoadEncoder:
    """Loads a model when it is called; see `load_encoder`."""

    name: str
    device: str
    download: bool

    def __call__(self) -> PhotoEncoder:
        """The model, in torch on this machine's device."""
        return load_encoder(self.name, self.device, self.download)
