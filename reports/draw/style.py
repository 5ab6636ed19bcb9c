"""One style for every figure: a colour per method, shades per coefficient, matplotlib settings.

Colours are Okabe and Ito's, distinct under the common colour blindnesses, each with a lighter twin for a
dark page. A method keeps its colour in every figure and both renderers.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Color:
    """A colour on a light page and its twin on a dark one."""

    light: str
    dark: str


INK = Color("#22262b", "#e6e4df")
MUTED = Color("#868b92", "#8d939b")
FAINT = Color("#c9ccd0", "#454a52")

METHOD_COLORS = {
    "reference": MUTED,
    "ppo": Color("#0072b2", "#56b4e9"),
    "dpo": Color("#d55e00", "#ff8b3d"),
    "ipo": Color("#009e73", "#35c99c"),
    "slic": Color("#b5548f", "#e59ac6"),
    "bon": Color("#c98a00", "#f0b429"),
    "ppo_gold": Color("#7a6400", "#d6c24a"),
    "ppo_noise": Color("#6b4c9a", "#b49be0"),
    "logistic": Color("#d55e00", "#ff8b3d"),
    "squared": Color("#009e73", "#35c99c"),
    "hinge": Color("#b5548f", "#e59ac6"),
    "exponential": Color("#4f9fc8", "#9ad4f2"),
    "truncated_quadratic": Color("#805500", "#ddb872"),
    "savage": Color("#332288", "#9a8cf0"),
    "offline": Color("#d55e00", "#ff8b3d"),
    "iterative": Color("#c98a00", "#f0b429"),
    "online": Color("#0072b2", "#56b4e9"),
    "online_dpo": Color("#0072b2", "#56b4e9"),
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
METHOD_LABELS = {
    "reference": "π_ref",
    "ppo": "PPO",
    "dpo": "DPO",
    "ipo": "IPO",
    "slic": "SLiC",
    "bon": "Best-of-n",
    "ppo_gold": "PPO on gold",
    "ppo_noise": "PPO on noise",
    "logistic": "Logistic (DPO)",
    "squared": "Squared (IPO)",
    "hinge": "Hinge (SLiC)",
    "online_gold": "Online, gold's labels",
    "replay": "Replay in order",
    "replay_shuffled": "Replay shuffled",
    "best_of_2_data": "Best-of-2 data",
    "sft_best_of_2": "SFT on best-of-2",
}
SCORER_COLORS = {
    "gold": Color("#a67c00", "#e6c04a"),
    "writers": Color("#332288", "#9a8cf0"),
    "users": Color("#117733", "#5ec27c"),
}
_ACRONYMS = {name.lower(): name for name in ("PPO", "DPO", "IPO", "SLiC", "SFT", "RLOO", "GRPO")}
_FURTHER = (
    Color("#332288", "#9a8cf0"),
    Color("#117733", "#5ec27c"),
    Color("#882255", "#e07bac"),
    Color("#44808f", "#88ccee"),
    Color("#805500", "#ddb872"),
)

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


def method_color(method: str) -> Color:
    """The method's colour. A method without one takes a further colour, the same in every figure and run."""
    return METHOD_COLORS.get(method) or _FURTHER[sum(method.encode()) % len(_FURTHER)]


def method_label(method: str) -> str:
    """The method's name as one writes it: `online_dpo` is Online DPO."""
    parts = [_ACRONYMS.get(part, part) for part in method.split("_")]
    return METHOD_LABELS.get(method) or " ".join([parts[0][:1].upper() + parts[0][1:], *parts[1:]])


def shade(color: Color, index: int, count: int) -> Color:
    """The `index`-th of `count` shades: 0 is the full colour, later ones fade towards the page."""
    amount = 0.62 * index / max(count - 1, 1)
    return Color(_mix(color.light, "#ffffff", amount), _mix(color.dark, "#15171a", amount))


def _mix(color: str, other: str, amount: float) -> str:
    channels = ((int(color[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(a + (b - a) * amount):02x}" for a, b in channels)
