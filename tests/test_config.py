from __future__ import annotations

from collections.abc import Callable

import pytest

from sbir_cli.config import EmbedConfig, IndexConfig, QueryConfig, SketchConfig
from sbir_cli.errors import UsageError


@pytest.mark.parametrize(
    ("make", "option"),
    [
        (lambda: EmbedConfig(batch_size=0), "--batch-size"),
        (lambda: EmbedConfig(workers=0), "--workers"),
        (lambda: IndexConfig(type="tree"), "--index-type"),  # type: ignore[arg-type]
        (lambda: IndexConfig(target_recall=1.5), "target recall"),
        (lambda: QueryConfig(top=0), "--top"),
        (lambda: QueryConfig(min_score=2), "--min-score"),
        (lambda: QueryConfig(min_share=0), "--min-score"),
        (lambda: QueryConfig(min_percentile=100), "--min-score"),
        (lambda: SketchConfig(stroke_width=0), "stroke width"),
    ],
)
def test_a_knob_out_of_range_is_a_usage_error_that_names_the_option(
    make: Callable[[], object], option: str
) -> None:
    with pytest.raises(UsageError, match=option):
        make()
