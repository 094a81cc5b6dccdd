"""Every knob, once: frozen dataclasses that check themselves. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from sbir_cli.errors import UsageError

# Each choice of the command line, declared here and nowhere else
IndexType = Literal["auto", "flat", "hnsw", "ivf", "ivf-rabitq"]
DatasetName = Literal["folder", "sketchy", "tuberlin", "quickdraw"]
TrainingData = Literal[DatasetName, "photos", "drawings"]
AnswerFormat = Literal["table", "paths", "jsonl", "tsv", "csv"]
ReportFormat = Literal["table", "json"]
Task = Literal["category", "fine-grained"]
Method = Literal["prompt", "ip", "mm", "deep", "cond", "lin", "ft"]
Preset = Literal["paper", "released", "small-tower", "photos"]
TrainedBranches = Literal["both", "sketch"]
Share = Literal["auto", "none", "norms", "all"]
Schedule = Literal["constant", "cosine"]
Precision = Literal["auto", "float32", "bfloat16"]


def _require(condition: bool, option: str, rule: str) -> None:
    if not condition:
        raise UsageError(f"{option} {rule}")


@dataclass(frozen=True)
class SketchConfig:
    """How a drawing becomes the square black-on-white image that the encoder sees."""

    canvas: int = 256
    """Side in pixels of the square a vector drawing is rasterised on (at least 32)."""
    stroke_width: float = 0.022
    """Width that a vector drawing's strokes get, and lines that are too thin or too thick, as a
    share of the side (0 to 0.2)."""
    thinnest: float = 0.009
    thickest: float = 0.045
    """Mean widths, as a share of the side, that a fitted drawing's lines may have: what models are
    trained on. Between them nothing is changed."""
    margin: float = 0.06
    """White border around a vector or fitted drawing, as a share of the side (0 to 0.4)."""
    fit: bool = False
    """Find the page in a raster drawing, even the light and cut the drawing out, with the margin
    that a vector drawing always gets; without it the whole canvas is taken as it is."""
    min_contrast: int = 16
    """Smallest difference of the darkest and lightest grey (of 255) that counts as a drawing."""

    def __post_init__(self) -> None:
        _require(self.canvas >= 32, "canvas", "must be at least 32 pixels")
        _require(0 < self.stroke_width <= 0.2, "stroke width", "must be in (0, 0.2]")
        _require(0 <= self.thinnest <= self.thickest, "thinnest", "must be at most the thickest")
        _require(0 <= self.margin <= 0.4, "margin", "must be in [0, 0.4]")
        _require(1 <= self.min_contrast <= 255, "min contrast", "must be in 1..255")


@dataclass(frozen=True)
class EmbedConfig:
    """How `embed-gallery` reads photos and hands them to the encoder."""

    batch_size: int = 64
    """Photos per forward pass (at least 1)."""
    workers: int = 2
    """Threads that decode photos ahead of the encoder (at least 1)."""
    prune: bool = False
    """Remove photos from the gallery that are no longer found under the given folders."""
    ray: str | None = None
    """Spread the work over the Ray cluster at this address, `HOST:PORT`, over one that is found
    (`auto`), or over the processors of this machine (`local`). None: without Ray."""

    def __post_init__(self) -> None:
        _require(self.ray is None or bool(self.ray.strip()), "--ray", "takes local or an address")
        _require(self.batch_size >= 1, "--batch-size", "must be at least 1")
        _require(self.workers >= 1, "--workers", "must be at least 1")


@dataclass(frozen=True)
class IndexConfig:
    """Which FAISS index holds the embeddings."""

    type: IndexType | None = None
    """`auto`: `flat` (exact) up to `exact_limit` photos, above `ivf-rabitq` (inverted lists of
    short codes, the best of them scored exactly) where that reaches the target recall. None: as
    the gallery is, `auto` for a new one."""
    exact_limit: int = 200_000
    """Photos up to which an exact scan is fast enough (512-d: about 30 ms a query)."""
    target_recall: float = 0.99
    """recall@10 against exact search that an approximate index is tuned to (0 to 1)."""
    sample: int = 256
    """Questions by which that recall is measured (at least 1)."""

    def __post_init__(self) -> None:
        _require(
            self.type in (None, *get_args(IndexType)),
            "--index-type",
            f"must be one of {', '.join(get_args(IndexType))}",
        )
        _require(0 < self.target_recall <= 1, "target recall", "must be in (0, 1]")
        _require(self.sample >= 1, "sample", "must be at least 1")


@dataclass(frozen=True)
class QueryConfig:
    """How many photos a query returns, and which are cut."""

    top: int = 10
    """Photos per sketch, best first (at least 1)."""
    min_score: float | None = None
    """Smallest cosine similarity that is still a hit (-1 to 1)."""
    min_share: float | None = None
    """Smallest share of the best photo's score that is still a hit (0 to 1)."""
    min_percentile: float | None = None
    """Of the best scores that drawings of nothing reach in this gallery, the percentile that is
    still a hit (above 0, below 100): the question must be one drawing alone."""
    where: str | None = None
    """A shell pattern that a photo's path below the root must match, as `2024/*` or `*.png`."""
    dedupe: bool = False
    """Fold a photo into a better one that is nearly the same picture."""

    def __post_init__(self) -> None:
        _require(self.top >= 1, "--top", "must be at least 1")
        if self.min_score is not None:
            _require(-1 <= self.min_score <= 1, "--min-score", "must be a cosine in [-1, 1]")
        if self.min_share is not None:
            _require(0 < self.min_share <= 1, "--min-score", "as a share must be in (0 %, 100 %]")
        if self.min_percentile is not None:
            inside = 0 < self.min_percentile < 100
            _require(inside, "--min-score", "as a percentile must be between p0 and p100")


@dataclass(frozen=True)
class TrainConfig:
    """What is trained, on which batches, by which losses. The defaults are the paper's; what the
    paper does not state is marked [deduced]."""

    task: Task = "category"
    """`category`: a photo of the sketch's class; `fine-grained`: the very photo of the sketch."""
    method: Method = "prompt"
    """`prompt` (prompts and LayerNorms, the paper's own) or one of its baselines."""
    branch: TrainedBranches = "both"
    """`sketch`: the photo branch stays the plain model, so that every gallery of the plain model
    serves. Not in the paper."""
    epochs: int = 60
    """Passes over the training sketches (at least 1)."""
    batch_size: int = 64
    """Sketches per step (at least 2); each brings a positive and a negative photo."""
    instances: int = 4
    """M of the P x M fine-grained batches: sketches per class; divides the batch size, and at
    least two classes must fit. [deduced]"""
    prompt_lr: float = 1e-5
    """Adam's learning rate of the prompts (above 0)."""
    norm_lr: float = 1e-5
    """Adam's learning rate of the LayerNorms (above 0)."""
    weight_lr: float | None = None
    """Adam's learning rate of other weights: the networks of `mm`, `cond` and `lin`, the tower of
    `ft` (above 0). None: the method's own, such as 1e-6 for `ft` [paper], else the prompts'."""
    schedule: Schedule = "constant"
    """Whether the learning rates fall, over all epochs, along a half cosine to zero."""
    layer_norms: bool = True
    """Train the LayerNorms too (method `prompt`)."""
    share: Share = "auto"
    """What the sketch and the photo branch have in common: nothing, the LayerNorms, or all.
    `auto`: nothing at category level, all for fine-grained [paper]; `ip` and `mm` nothing and `ft`
    all, by what they are."""
    prompts: int = 3
    """K, learned prompt tokens per layer (0 to 64)."""
    depth: int | None = None
    """Layers that carry prompts (at least 1). None: the method's own, 9 for `deep` (or as many as
    there are), else 1."""
    prompt_std: float = 0.02
    """Standard deviation of fresh prompts (0 to 10). [deduced]"""
    margin: float = 0.3
    """Of the triplet loss, in cosine distance (0 to 2)."""
    adaptive_margin: bool = False
    """Category level: in its place, for each triplet the cosine of the two classes' texts. Not in
    the paper (SpLIP)."""
    cls_weight: float = 0.5
    """Of the classification loss, for sketch and photo each (at least 0)."""
    delta_weight: float = 0.1
    """Of the f-divergence L_delta, fine-grained only (at least 0)."""
    shuffle_weight: float = 1.0
    """Of the patch-shuffling loss L_PS, fine-grained only (at least 0)."""
    infonce_weight: float = 0.0
    """Of the symmetric InfoNCE over the batch, which is not in the paper (at least 0)."""
    relation_weight: float = 0.5
    """Drawings of photos only: of the distillation of the photo's place among all photos (at least
    0). Not in the paper."""
    anchor_weight: float = 1.0
    """Drawings of photos only: of the cosine distance to the photo (at least 0). Not in the
    paper."""
    drawings_per_photo: int = 4
    """Line drawings that are made of each photo (1 to 64)."""
    narrow: bool = False
    """Drawings of photos only: what will be searched is of the same few kinds of things, and an
    epoch counts even where drawings of others find less than by the plain model. Not in the
    paper."""
    temperature: float | None = None
    """Of classification and InfoNCE (0 to 100). None: the model's own, 0.01 for CLIP [deduced];
    among plain photos half the standard deviation of their cosines to each other."""
    delta_temperature: float = 1.0
    """Of the softmax inside L_delta (0 to 100). [deduced]"""
    shuffle_margin: float = 0.3
    """Of the patch-shuffling triplet, in cosine distance (0 to 2). [deduced]"""
    grid: int = 2
    """n of the n x n patches that are shuffled (2 to 8)."""
    flip: bool = False
    """Mirror a sketch and its photos, together, in every other sample."""
    center: bool = False
    """Subtract from each modality's embeddings their mean over the training images (of up to 1,024
    of them), which the checkpoint then holds; of sketches alone where their branch alone is
    trained. Not in the paper."""
    fraction: float = 1.0
    """Share of each class's photos and sketches that is trained on (0 to 1)."""
    seen_classes: int | None = None
    """Train on this many of the seen classes (at least 2). None: all."""
    held_out: float = 0.1
    """Share of the seen classes kept for validation (0 to 0.5); fewer than two are not kept."""
    held_out_classes: tuple[str, ...] = ()
    """The classes kept for validation, in place of a random share (none: the share counts)."""
    patience: int = 10
    """Stop after this many epochs without a better validation (0: never)."""
    seed: int = 0
    """Of classes held out, prompts, batches, mirroring and shuffling (at least 0)."""
    precision: Precision = "auto"
    """Of the backbone's arithmetic. `auto`: bfloat16 where the hardware multiplies it natively."""
    recompute: int = 0
    """Images whose activations are kept at a time; the others are computed again in the backward
    pass: less memory, up to a third more time (0: keep all)."""
    workers: int = 2
    """Threads that decode images (at least 1)."""
    memory: float = 4.0
    """Gigabytes that decoded images may take; what does not fit is decoded in every epoch."""

    def __post_init__(self) -> None:
        for option, (low, high) in _RANGES.items():
            value = getattr(self, option)
            inside = value is None or (low <= value and (high is None or value <= high))
            rule = f"must be at least {low:g}" if high is None else f"must be in {low:g}..{high:g}"
            _require(inside, flag(option), rule)
        for option, names in _CHOICES.items():
            rule = f"must be one of {', '.join(names)}"
            _require(getattr(self, option) in names, flag(option), rule)
        if self.task == "fine-grained":
            _require(
                self.batch_size % self.instances == 0 and self.batch_size >= 2 * self.instances,
                "--batch-size",
                f"must be a multiple of --instances ({self.instances}) and at least twice it",
            )


_TINY = 1e-12  # stands for "above 0"
_RANGES: dict[str, tuple[float, float | None]] = {
    **dict.fromkeys(("epochs", "instances", "depth", "workers"), (1, None)),
    **dict.fromkeys(("batch_size", "seen_classes"), (2, None)),
    **dict.fromkeys(("patience", "seed", "recompute", "memory"), (0, None)),
    **dict.fromkeys(("prompt_lr", "norm_lr", "weight_lr"), (_TINY, 100)),
    **dict.fromkeys(("temperature", "delta_temperature"), (_TINY, 100)),
    **dict.fromkeys(("cls_weight", "delta_weight"), (0, None)),
    **dict.fromkeys(("shuffle_weight", "infonce_weight"), (0, None)),
    **dict.fromkeys(("relation_weight", "anchor_weight"), (0, None)),
    "drawings_per_photo": (1, 64),
    **dict.fromkeys(("margin", "shuffle_margin"), (0, 2)),
    "prompts": (0, 64),
    "prompt_std": (0, 10),
    "grid": (2, 8),
    "fraction": (_TINY, 1),
    "held_out": (0, 0.5),
}
_CHOICES: dict[str, tuple[str, ...]] = {
    "task": get_args(Task),
    "method": get_args(Method),
    "branch": get_args(TrainedBranches),
    "share": get_args(Share),
    "schedule": get_args(Schedule),
    "precision": get_args(Precision),
}


def flag(name: str) -> str:
    """The command line's option for a knob."""
    return "--patch-grid" if name == "grid" else f"--{name.replace('_', '-')}"
