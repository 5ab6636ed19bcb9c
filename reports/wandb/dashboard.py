"""The W&B workspace that compares a run's methods, by code: `python -m reports.wandb.dashboard ENTITY/PROJECT RUN`.

RUN is the run folder; its cells must be in the project (`wandb=online`, or `wandb sync`). `dashboard` is a pure
function of names. A panel groups cells by method, or by setting, which averages over replicates alone. Each call of
the command saves a further view; delete the older one in W&B.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import wandb
from wandb_workspaces import workspaces as ws
from wandb_workspaces.reports import v2 as wr

from bench.config.compose import values_key
from bench.errors import ConfigError
from reports.draw import labels
from reports.read.load import load
from reports.wandb.log import AT_BUDGET, BUDGET, KL, STEP, D, frontier_key
from reports.wandb.session import group_of

_MOST = 100  # cells drawn in a panel; W&B's own default is 10
_KL = "KL to π_ref (nats)"
_BUDGET = "KL budget (nats)"
_WATCHED = {
    "rubric": "rubric (its own sd above π_ref)",
    "gold_rubric_corr": "correlation of gold with the rubric",
    "win_rate": "win rate against π_ref, by gold",
    "length": "length (tokens)",
    "entropy": "entropy (nats per sequence)",
    "repetition": "share of repeated trigrams",
}
_TABLES = ("claims", "peaks", "budgets")


def dashboard(
    place: str, group: str, methods: Sequence[str], figures: Sequence[str], tables: Sequence[str]
) -> ws.Workspace:
    """The workspace of the run `group` in `place` (entity/project); its report has these figures and tables."""
    entity, project = place.split("/")
    return ws.Workspace(
        entity=entity,
        project=project,
        name=f"Goldbench {group}",
        sections=[
            ws.Section(name="Methods compared", panels=_curves("method"), is_open=True),
            ws.Section(name="Frontier", panels=_frontier(methods), is_open=True),
            ws.Section(name="Every setting, replicates averaged", panels=_curves("setting"), is_open=True),
            ws.Section(
                name="What else moves", panels=[_line(D, key, labels.D, label) for key, label in _WATCHED.items()]
            ),
            ws.Section(name="Report", panels=[wr.MediaBrowser(media_keys=[f"figures/{name}"]) for name in figures]),
            ws.Section(name="Page and texts", panels=_read(tables)),
        ],
        settings=ws.WorkspaceSettings(x_axis=D, max_runs=_MOST),
        runset_settings=ws.RunsetSettings(
            filters=ws.And(ws.Metric("Group") == group),
            pinned_columns=["config:method.value", "config:beta.value", "config:proxy.value", "summary:peak_gold"],
        ),
    )


def _line(x: str, y: str, x_label: str, y_label: str, by: str = "method", log_x: bool = False) -> wr.LinePlot:
    """y over x, cells grouped by a key of their config: the mean, and the range over the group."""
    return wr.LinePlot(
        title=f"{y_label} by {by}",
        x=x,
        y=[y],
        title_x=x_label,
        title_y=y_label,
        log_x=log_x,
        groupby=wr.Config(by),
        groupby_aggfunc="mean",
        groupby_rangefunc="minmax",
        max_runs_to_show=_MOST,
        smoothing_type="none",
    )


def _curves(by: str) -> list[wr.LinePlot]:
    return [
        _line(D, "gold", labels.D, labels.GOLD, by),
        _line(D, "proxy", labels.D, labels.PROXY, by),
        _line("proxy", "gold", labels.PROXY, labels.GOLD, by),
        _line(KL, "gold", _KL, labels.GOLD, by),
        _line(STEP, KL, "step", _KL, by),
    ]


def _frontier(methods: Sequence[str]) -> list[wr.LinePlot | wr.ScatterPlot]:
    keys = [frontier_key(method) for method in methods]
    chosen = wr.LinePlot(title="Frontier: a method's setting chosen on select", x=BUDGET, y=keys, log_x=True)
    chosen.title_x, chosen.title_y = _BUDGET, labels.GOLD
    every = _line(BUDGET, AT_BUDGET[0], _BUDGET, labels.GOLD, log_x=True)
    peaks = wr.ScatterPlot(title="Where gold peaks: a dot a cell, chosen on select", x=wr.SummaryMetric("peak_d"))
    peaks.y = wr.SummaryMetric("peak_gold")
    return [chosen, every, peaks]


def _read(tables: Sequence[str]) -> list[wr.MediaBrowser | wr.WeavePanelSummaryTable]:
    names = ("samples", "rows", *(name for name in _TABLES if name in tables))
    return [wr.MediaBrowser(media_keys=["report"]), *(wr.WeavePanelSummaryTable(table_name=name) for name in names)]


def main(argv: Sequence[str]) -> int:
    """Save the workspace and print its address. Exit code 2 on failure."""
    try:
        if len(argv) != 2 or len(argv[0].split("/")) != 2:
            raise ConfigError("give a W&B place and a run folder: python -m reports.wandb.dashboard ENTITY/PROJECT RUN")
        place, folder = argv[0], Path(argv[1])
        if not (folder / "run.json").is_file():
            raise ConfigError(f"{str(folder)!r} is not a run folder; give a folder that `bench run` wrote")
        names = [sorted(path.stem for path in folder.glob(kind)) for kind in ("figures/*.png", "tables/*.csv")]
        run = load(folder)
        made = dashboard(place, group_of(folder, values_key(run.config)), run.methods, *names)
        print(made.save().url)
    except ConfigError as error:
        print(f"dashboard: {error}", file=sys.stderr)
        return 2
    except (wandb.Error, ValueError, OSError) as error:
        reason = " ".join(str(error).split())
        print(f"dashboard: W&B refused the view ({reason}); run `wandb login` and check {argv[0]}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
