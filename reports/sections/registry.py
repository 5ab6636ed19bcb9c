"""The sections of a run's page, in order. A section is one module and one line here.

An installed package adds sections through the entry-point group `goldbench.sections`: a name, and the module and object
of a `Section`, as in `lengths = my_package.lengths:SECTION`. They follow the ones below, sorted by name.
"""

from importlib.metadata import EntryPoint

from bench.errors import ConfigError
from reports.analysis.analysis import Analysis
from reports.sections.claims import claims, ledger
from reports.sections.curves import coefficients, compute, frontier, parts, peaks, proxy
from reports.sections.forms import best_of_n, fits
from reports.sections.offline import family
from reports.sections.online import spectrum
from reports.sections.plugins import entries
from reports.sections.scorers import curves as scorers
from reports.sections.section import Section
from reports.sections.trust import config, controls, failed, gates, stages, training

_AROUND = ("findings", "samples", "provenance")  # what the page has around its sections
SECTIONS: tuple[Section[Analysis], ...] = (
    claims.SECTION,
    peaks.SECTION,
    scorers.SECTION,
    failed.SECTION,
    frontier.SECTION,
    proxy.SECTION,
    best_of_n.SECTION,
    fits.SECTION,
    coefficients.SECTION,
    family.SECTION,
    spectrum.SECTION,
    parts.SECTION,
    controls.SECTION,
    compute.SECTION,
    training.SECTION,
    gates.SECTION,
    ledger.SECTION,
    config.SECTION,
    stages.SECTION,
)


def sections() -> tuple[Section[Analysis], ...]:
    """The sections above and those of installed packages.

    Raises ConfigError for an entry point that does not load, is no Section, or has the id of another section.
    """
    found = list(SECTIONS)
    for entry in entries():
        section = _load(entry)
        if section.id in {*_AROUND, *(other.id for other in found)}:
            raise ConfigError(f"section {section.id!r} of {entry.value} exists already; choose another id")
        found.append(section)
    return tuple(found)


def _load(entry: EntryPoint) -> Section[Analysis]:
    try:
        section = entry.load()
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"section {entry.name!r} cannot be loaded from {entry.value}: {error}") from error
    if not isinstance(section, Section):
        raise ConfigError(f"{entry.value} is not a Section; give a reports.sections.section.Section")
    return section
