"""What both dashboards have in common: variables, links, rows, the zone of time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from grafana_foundation_sdk.builders.dashboard import (
    Dashboard,
    DashboardLink,
    DatasourceVariable,
    QueryVariable,
    Row,
)
from grafana_foundation_sdk.models import dashboard as models

from scripts.dashboards.panels import DATASOURCE, Built

TAG: Final = "controlwatch"
COLLAPSED: Final = " (on demand)"
"""Ends the title of a row that is shut until somebody opens it, since its queries read much."""

Rows = Mapping[str, Sequence[Built]]
"""Panels by title of their row."""


def dashboard(uid: str, title: str, told: str, variables: Sequence[QueryVariable], rows: Rows) -> models.Dashboard:
    """Build a dashboard of rows."""
    builder = (
        Dashboard(title)
        .uid(uid)
        .description(told)
        .tags([TAG])
        .timezone("utc")
        .readonly()
        .time("now-24h", "now")
        .refresh("1m")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .link(_link())
    )
    for variable in (_datasource(), *variables):
        builder = builder.with_variable(variable)
    for name, panels in rows.items():
        if name.endswith(COLLAPSED):
            builder = builder.with_row(_shut(name.removesuffix(COLLAPSED), panels))
            continue
        builder = builder.with_row(Row(name))
        for panel in panels:
            builder = builder.with_panel(panel)
    return _numbered(builder.build())


def engines() -> list[QueryVariable]:
    """Give the variables that choose engines."""
    return [
        _choice("job", "Job", "label_values(controlwatch_build_info, job)"),
        _choice("instance", "Instance", 'label_values(controlwatch_build_info{job=~"$job"}, instance)'),
    ]


def filters() -> list[QueryVariable]:
    """Give the variables that choose checks."""
    info = 'controlwatch_check_info{job=~"$job", instance=~"$instance"}'
    return [
        _choice("family", "Family", f"label_values({info}, family)"),
        _choice("team", "Team", f"label_values({info}, team)", every=".*"),
    ]


def _choice(name: str, label: str, query: str, *, every: str = ".+") -> QueryVariable:
    return (
        QueryVariable(name)
        .label(label)
        .query(query)
        .datasource(DATASOURCE)
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(multi=True)
        .include_all(include_all=True)
        .all_value(every)
        .current(models.VariableOption(text=["All"], value=["$__all"], selected=True))
    )


def _datasource() -> DatasourceVariable:
    return DatasourceVariable("datasource").label("Data source").type("prometheus")


def _link() -> DashboardLink:
    return (
        DashboardLink("Controlwatch")
        .type(models.DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .include_vars(include_vars=True)
        .keep_time(keep_time=True)
    )


def _shut(title: str, panels: Sequence[Built]) -> Row:
    row = Row(title).collapsed(collapsed=True)
    for panel in panels:
        row = row.with_panel(panel)
    return row


def _numbered(built: models.Dashboard) -> models.Dashboard:
    for number, panel in enumerate(_all(built.panels or []), start=1):
        panel.id_val = number
    return built


def _all(panels: Sequence[models.Panel | models.RowPanel]) -> Iterator[models.Panel | models.RowPanel]:
    for panel in panels:
        yield panel
        if isinstance(panel, models.RowPanel):
            yield from panel.panels
