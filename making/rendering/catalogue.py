"""Every class of the example photos: how to build it and how to photograph it."""

from __future__ import annotations

from collections.abc import Callable

from rendering import (
    objects_airplane,
    objects_bicycle,
    objects_butterfly,
    objects_dining,
    objects_fish,
    objects_food,
    objects_furniture,
    objects_garden,
    objects_kitchen,
    objects_outdoor,
    objects_pineapple,
    objects_pizza,
    objects_study,
    objects_things,
    objects_worn,
)
from rendering.subject import Shot, Subject

CLASSES: dict[str, tuple[Callable[[Subject], None], Shot]] = {
    **objects_kitchen.CLASSES,
    **objects_food.CLASSES,
    **objects_furniture.CLASSES,
    **objects_things.CLASSES,
    **objects_outdoor.CLASSES,
    **objects_dining.CLASSES,
    **objects_pizza.CLASSES,
    **objects_garden.CLASSES,
    **objects_study.CLASSES,
    **objects_butterfly.CLASSES,
    **objects_fish.CLASSES,
    **objects_pineapple.CLASSES,
    **objects_airplane.CLASSES,
    **objects_bicycle.CLASSES,
    **objects_worn.CLASSES,
}
