// Controlwatch as a monitoring mixin. Every JSON is generated (make dashboards): edit none of it.
{
  grafanaDashboards+:: {
    'controlwatch-overview.json': import '../engine/dashboards/overview.json',
    'controlwatch-internals.json': import '../engine/dashboards/internals.json',
  },
  prometheusRules+:: import 'rules.json',
  prometheusAlerts+:: import 'alerts.json',
}
