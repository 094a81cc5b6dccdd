"""Every class of the example photos: how to build it and how to photograph it."""

from __future__ import annotations

from collections.abc import Callable

from rendering import (
    objects_food,
    objects_furniture,
    objects_kitchen,
    objects_outdoor,
    objects_things,
)
from rendering.subject import Shot, Subject

CLASSES: dict[str, tuple[Callable[[Subject], None], Shot]] = {
    **objects_kitchen.CLASSES,
    **objects_food.CLASSES,
    **objects_furniture.CLASSES,
    **objects_things.CLASSES,
    **objects_outdoor.CLASSES,
}
