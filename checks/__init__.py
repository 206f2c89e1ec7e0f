"""What is true: one module per check, pure. Every module of this folder is one check."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checks.model.check import Check


def discover() -> Mapping[str, Check]:
    """Find every check by scanning the folder: the module's name is the id."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.ispkg)
    return {name: importlib.import_module(f"{__name__}.{name}").CHECK for name in names}
