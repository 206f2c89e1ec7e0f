"""What a provider says: one module per provider kind. Every module of this folder is one source kind."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sources.common.source import Source


def kinds() -> list[str]:
    """Name the provider kinds by scanning the folder, importing none."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.ispkg)


def load(kind: str) -> Source:
    """Import one provider kind; raises ``KeyError`` when there is none of that name."""
    if kind not in kinds():
        raise KeyError(kind)
    source: Source = importlib.import_module(f"{__name__}.{kind}").SOURCE
    return source


def discover() -> Mapping[str, Source]:
    """Import every provider kind: the module's name is the id."""
    return {kind: load(kind) for kind in kinds()}
