"""Panels of few kinds, each with what the others have: title, description, unit, source of data, hue of blindness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from grafana_foundation_sdk.builders import bargauge, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.builders.common import ReduceDataOptions, TableSortByFieldState, VizLegendOptions
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models.dashboard import (
    DashboardFieldConfigSourceOverrides,
    DataSourceRef,
    DataTransformerConfig,
    DynamicConfigValue,
    FieldColor,
    FieldColorModeId,
    FieldConfigSource,
    GridPos,
    MatcherConfig,
    Panel,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from scripts.dashboards.look import CALM, Scale

_PER_PAGE: Final = 25
"""Rows of a timeline that are shown at once."""
DATASOURCE: Final = DataSourceRef(type_val="prometheus", uid="${datasource}")


@dataclass(frozen=True, slots=True)
class Line:
    """A query over time, and how its series look."""

    expr: str
    legend: str
    hue: str = CALM
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: a label, or the value of the query of that letter."""

    name: str
    """Heading."""
    of: str
    """Label, or letter of a query."""
    scale: Scale | None = None
    """How values read; None: as they are."""
    hued: bool = False
    """Whether the cell has the hue of its value."""

    @property
    def field(self) -> str:
        """Name that Grafana gives the field."""
        return f"Value #{self.of}" if len(self.of) == 1 else self.of


@dataclass(frozen=True)
class Built(Builder[Panel]):
    """A panel that is built already, in the form that a dashboard takes."""

    panel: Panel

    def build(self) -> Panel:
        """Give the panel."""
        return self.panel


def tiles(
    title: str, told: str, expr: str, scale: Scale, *, legend: str = "", width: int = 3, height: int = 4
) -> Built:
    """Show one value a series in a hue of its own.

    The query is an instant one and its last value counts: a range would show the latest value that there was, however
    long ago.
    """
    builder = (
        stat.Panel()
        .color_mode(common.BigValueColorMode.BACKGROUND_SOLID)
        .graph_mode(common.BigValueGraphMode.NONE)
        .text_mode(common.BigValueTextMode.VALUE_AND_NAME if legend else common.BigValueTextMode.VALUE)
        .reduce_options(ReduceDataOptions().calcs(["last"]))
    )
    return _finish(
        builder.build(), title, told, [_instant(expr, legend)], FieldConfigSource(scale.field()), width, height
    )


def bars(title: str, told: str, expr: str, scale: Scale, *, legend: str, width: int = 12, height: int = 8) -> Built:
    """Show one bar a series, in the hue of its value."""
    builder = (
        bargauge.Panel()
        .display_mode(common.BarGaugeDisplayMode.BASIC)
        .orientation(common.VizOrientation.HORIZONTAL)
        .value_mode(common.BarGaugeValueMode.TEXT)
        .reduce_options(ReduceDataOptions().calcs(["last"]))
    )
    return _finish(
        builder.build(), title, told, [_instant(expr, legend)], FieldConfigSource(scale.field()), width, height
    )


def timeline(
    title: str, told: str, expr: str, scale: Scale, *, legend: str, width: int = 24, height: int = 14
) -> Built:
    """Show what each series was over time; gaps stay gaps, and a missing value has its word and hue."""
    builder = (
        statetimeline.Panel()
        .show_value(common.VisibilityMode.AUTO)
        .merge_values(merge_values=True)
        .row_height(0.8)
        .per_page(_PER_PAGE)
        .fill_opacity(85)
        .line_width(0)
        .legend(_legend())
    )
    panel = builder.build()
    fields = scale.field()
    assert panel.field_config is not None, "the builder sets the opacity there"
    fields.custom = panel.field_config.defaults.custom
    return _finish(panel, title, told, [_range(expr, legend, 0)], FieldConfigSource(fields), width, height)


def lines(title: str, told: str, queries: Sequence[Line], scale: Scale, *, width: int = 12, height: int = 8) -> Built:
    """Show values over time; series of one query are shades of its hue, and gaps stay gaps."""
    builder = timeseries.Panel().span_nulls(span_nulls=False).line_width(2).fill_opacity(0).legend(_legend())
    panel = builder.show_points(common.VisibilityMode.AUTO).build()
    fields = scale.field()
    assert panel.field_config is not None, "the builder sets the width of the lines there"
    fields.custom = panel.field_config.defaults.custom
    fields.color = FieldColor(mode=FieldColorModeId.SHADES, fixed_color=CALM)
    overrides = [_shade(index, query) for index, query in enumerate(queries)]
    targets = [_range(query.expr, query.legend, index) for index, query in enumerate(queries)]
    return _finish(panel, title, told, targets, FieldConfigSource(fields, overrides), width, height)


def rows(
    title: str,
    told: str,
    queries: Sequence[str],
    columns: Sequence[Column],
    *,
    sort: str,
    missing: str = "NO DATA",
    width: int = 24,
    height: int = 10,
) -> Built:
    """Show a table: queries A, B, … are merged on the labels that they share, and only ``columns`` are shown."""
    builder = (
        table.Panel()
        .sort_by([TableSortByFieldState().display_name(sort).desc(desc=False)])
        .cell_height(common.TableCellHeight.SM)
        .filterable(filterable=True)
    )
    panel = builder.build()
    fields = Scale(unit="none", missing=missing).field()
    assert panel.field_config is not None, "the builder makes cells filterable there"
    fields.custom = panel.field_config.defaults.custom
    fields.mappings = None
    panel.transformations = [DataTransformerConfig("merge", options={}), _organized(len(queries), columns)]
    overrides = [_column(column) for column in columns if column.scale is not None]
    targets = [_instant(expr, "", index).format(PromQueryFormat.TABLE) for index, expr in enumerate(queries)]
    return _finish(panel, title, told, targets, FieldConfigSource(fields, overrides), width, height)


def _organized(queries: int, columns: Sequence[Column]) -> DataTransformerConfig:
    shown = {column.field for column in columns}
    values = [f"Value #{_letter(index)}" for index in range(queries)] + ["Value"]
    return DataTransformerConfig(
        "organize",
        options={
            "excludeByName": {name: True for name in ("Time", "job", "__name__", *values) if name not in shown},
            "indexByName": {column.field: index for index, column in enumerate(columns)},
            "renameByName": {column.field: column.name for column in columns},
        },
    )


def _column(column: Column) -> DashboardFieldConfigSourceOverrides:
    scale = column.scale
    assert scale is not None, "only columns with a scale are overridden"
    properties = [
        DynamicConfigValue("unit", scale.unit),
        DynamicConfigValue("noValue", scale.missing),
        DynamicConfigValue("mappings", scale.mappings() if column.hued else []),
        DynamicConfigValue("thresholds", scale.thresholds()),
    ]
    if scale.decimals is not None:
        properties.append(DynamicConfigValue("decimals", scale.decimals))
    if column.hued:
        mode = common.TableCellBackgroundDisplayMode.BASIC
        properties.append(DynamicConfigValue("custom.cellOptions", common.TableColoredBackgroundCellOptions(mode=mode)))
    return DashboardFieldConfigSourceOverrides(MatcherConfig("byName", column.name), properties)


def _shade(index: int, line: Line) -> DashboardFieldConfigSourceOverrides:
    properties = [
        DynamicConfigValue("color", FieldColor(mode=FieldColorModeId.SHADES, fixed_color=line.hue)),
    ]
    if line.dashed:
        properties.append(DynamicConfigValue("custom.lineStyle", common.LineStyle(fill="dash", dash=[8, 6])))
    return DashboardFieldConfigSourceOverrides(MatcherConfig("byFrameRefID", _letter(index)), properties)


def _legend() -> VizLegendOptions:
    placement, mode = common.LegendPlacement.BOTTOM, common.LegendDisplayMode.LIST
    return VizLegendOptions().show_legend(show_legend=True).placement(placement).display_mode(mode)


def _letter(index: int) -> str:
    return chr(ord("A") + index)


def _instant(expr: str, legend: str, index: int = 0) -> Dataquery:
    return Dataquery().expr(expr).instant().legend_format(legend).ref_id(_letter(index)).datasource(DATASOURCE)


def _range(expr: str, legend: str, index: int) -> Dataquery:
    return Dataquery().expr(expr).range().legend_format(legend).ref_id(_letter(index)).datasource(DATASOURCE)


def _finish(
    panel: Panel,
    title: str,
    told: str,
    targets: Sequence[Dataquery],
    fields: FieldConfigSource,
    width: int,
    height: int,
) -> Built:
    panel.title, panel.description, panel.datasource = title, told, DATASOURCE
    panel.targets = [target.build() for target in targets]
    panel.field_config = fields
    panel.grid_pos = GridPos(w=width, h=height)
    return Built(panel)
