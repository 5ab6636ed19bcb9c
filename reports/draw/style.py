"""One style for every figure: a colour per method, shades per coefficient, matplotlib settings.

Colours are Okabe and Ito's, distinct under the common colour blindnesses, each with a lighter twin for a
dark page. A method keeps its colour in every figure and both renderers.
"""

from dataclasses import dataclass

from reports.read.kind import REFERENCE, Kind


@dataclass(frozen=True)
class Color:
    """A colour on a light page and its twin on a dark one."""

    light: str
    dark: str


INK = Color("#22262b", "#e6e4df")
MUTED = Color("#868b92", "#8d939b")
FAINT = Color("#c9ccd0", "#454a52")

KIND_COLORS = {
    "reference": MUTED,
    "ppo": Color("#0072b2", "#56b4e9"),
    "best_of_n": Color("#c98a00", "#f0b429"),
    "ppo_gold": Color("#7a6400", "#d6c24a"),
    "ppo_noise": Color("#6b4c9a", "#b49be0"),
    "logistic": Color("#d55e00", "#ff8b3d"),
    "squared": Color("#009e73", "#35c99c"),
    "hinge": Color("#b5548f", "#e59ac6"),
    "exponential": Color("#4f9fc8", "#9ad4f2"),
    "truncated_quadratic": Color("#805500", "#ddb872"),
    "savage": Color("#332288", "#9a8cf0"),
    "iterative": Color("#c98a00", "#f0b429"),
    "online": Color("#0072b2", "#56b4e9"),
    "online_gold": Color("#7a6400", "#d6c24a"),
    "replay": Color("#117733", "#5ec27c"),
    "replay_shuffled": Color("#882255", "#e07bac"),
    "best_of_2_data": Color("#b5548f", "#e59ac6"),
    "mixture_data": Color("#44808f", "#88ccee"),
    "sft_chosen": Color("#805500", "#ddb872"),
    "sft_best_of_2": Color("#332288", "#9a8cf0"),
    "rloo": Color("#6b4c9a", "#b49be0"),
    "grpo": Color("#009e73", "#35c99c"),
}
"""By what a method does (`reports.read.kind`)."""
NAMES = {
    "ppo": ("PPO", "ppo"),
    "dpo": ("DPO", "logistic"),
    "ipo": ("IPO", "squared"),
    "slic": ("SLiC", "hinge"),
    "rloo": ("RLOO", "rloo"),
    "grpo": ("GRPO", "grpo"),
    "bon": ("Best-of-n", "best_of_n"),
    "ppo_gold": ("PPO on gold", "ppo_gold"),
    "ppo_noise": ("PPO on noise", "ppo_noise"),
    "logistic": ("Logistic (DPO)", "logistic"),
    "squared": ("Squared (IPO)", "squared"),
    "hinge": ("Hinge (SLiC)", "hinge"),
    "online_gold": ("Online, gold's labels", "online_gold"),
    "replay": ("Replay in order", "replay"),
    "replay_shuffled": ("Replay shuffled", "replay_shuffled"),
    "best_of_2_data": ("Best-of-2 data", "best_of_2_data"),
    "sft_best_of_2": ("SFT on best-of-2", "sft_best_of_2"),
    REFERENCE: ("Reference", REFERENCE),
}
"""Labels of conventional names of methods, and what a method of such a name does by convention."""
_WORDS = {kind: label for label, kind in reversed(NAMES.values())}
SCORER_COLORS = {
    "gold": Color("#a67c00", "#e6c04a"),
    "writers": Color("#332288", "#9a8cf0"),
    "users": Color("#117733", "#5ec27c"),
}
_ACRONYMS = {name.lower(): name for name in ("PPO", "DPO", "IPO", "SLiC", "SFT", "RLOO", "GRPO")}
_FURTHER = (
    Color("#8a8a00", "#c9c95a"),
    Color("#aa4499", "#dd88d0"),
    Color("#1f8f86", "#62c8c0"),
    Color("#661100", "#c96a58"),
    Color("#4477aa", "#8fb8e0"),
    Color("#6f5b3e", "#bba482"),
    Color("#c0392b", "#f08a7e"),
)
"""For plug-ins, and for the second and later methods of one kind."""

MATPLOTLIB = {
    "savefig.dpi": 220,
    "pdf.fonttype": 42,
    "font.family": ["DejaVu Sans"],
    "font.size": 6.5,
    "axes.titlesize": 7,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 6.5,
    "axes.labelpad": 2,
    "axes.labelcolor": INK.light,
    "axes.edgecolor": MUTED.light,
    "axes.linewidth": 0.5,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e9eaec",
    "grid.linewidth": 0.4,
    "text.color": INK.light,
    "xtick.color": INK.light,
    "ytick.color": INK.light,
    "xtick.major.width": 0.5,
    "ytick.major.width": 0.5,
    "xtick.major.size": 2,
    "ytick.major.size": 2,
    "xtick.labelsize": 6,
    "ytick.labelsize": 6,
    "legend.frameon": False,
    "legend.fontsize": 5.5,
    "legend.handlelength": 1.3,
    "legend.handletextpad": 0.5,
    "legend.labelspacing": 0.2,
    "legend.columnspacing": 1.2,
    "legend.borderaxespad": 0.3,
}


def method_color(kind: Kind) -> Color:
    """The method's colour, by what it does: the same in every figure, whatever its name."""
    usual = KIND_COLORS.get(kind.does) if kind.first else None
    return usual or _FURTHER[kind.place % len(_FURTHER)]


def method_label(kind: Kind) -> str:
    """The method's name as one writes it: `online_dpo` is Online DPO. pi_ref is π_ref under any name.

    A name that by convention means another method is followed by what the method does.
    """
    label, convention = NAMES.get(kind.method, (_written(kind.method), kind.does))
    if kind.does == REFERENCE:
        return "π_ref" if kind.first else f"π_ref ({label})"
    if convention == kind.does or not kind.does:
        return label
    return f"{label} ({_WORDS.get(kind.does, kind.does.replace('_', ' '))})"


def _written(name: str) -> str:
    parts = [_ACRONYMS.get(part, part) for part in name.split("_")]
    return " ".join([parts[0][:1].upper() + parts[0][1:], *parts[1:]])


def shade(color: Color, index: int, count: int) -> Color:
    """The `index`-th of `count` shades: 0 is the full colour, later ones fade towards the page."""
    amount = 0.62 * index / max(count - 1, 1)
    return Color(_mix(color.light, "#ffffff", amount), _mix(color.dark, "#15171a", amount))


def _mix(color: str, other: str, amount: float) -> str:
    channels = ((int(color[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(a + (b - a) * amount):02x}" for a, b in channels)
