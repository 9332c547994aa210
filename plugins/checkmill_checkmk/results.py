"""What was asked for against what came: each SLA of each service over each time range, there or missing, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from checkmill_checkmk.agreements import Agreement
from checkmill_checkmk.names import Labels, label, repaired, same, spellings
from checkmill_checkmk.periods import Period
from checkmill_checkmk.settings import Service

ABSENT = (
    "Checkmk's answer has no result for it: the site may not know the host, the service or the SLA, "
    "or the user may not see them"
)
Triple = tuple[str, str, str]


@dataclass(frozen=True, kw_only=True)
class Result:
    """One SLA of one service over one time range. `asked_at` is epoch seconds.

    Without an `agreement`, `problem` says why there is none. `service.site` is "" where no site is known.
    """

    service: Service
    sla: str
    period: Period
    asked_at: float
    agreement: Agreement | None = None
    problem: str = ""

    @property
    def labels(self) -> Labels:
        """Its labels, all that are known."""
        known = {"site": self.service.site, "host": self.service.host, "service": self.service.service}
        return {name: label(value) for name, value in known.items() if value} | {"sla": label(self.sla)}


@dataclass(frozen=True)
class Results:
    """All that one rule's query gave: for each SLA of each service, what came of each time range.

    `waited_s` is how long the site took for it, `time_zone` the name of the site's, if it is known.
    """

    combinations: tuple[tuple[Result, ...], ...]
    waited_s: float
    time_zone: str | None

    @classmethod
    def gathered(cls, results: Iterable[Result], waited_s: float, time_zone: str | None) -> Results:
        """Put the results of all requests together.

        A service that some site showed in one of them is expected of it in all: over each time range, for each SLA.
        """
        by_name: dict[Triple, list[Result]] = {}
        sites: dict[tuple[str, str], set[str]] = {}
        for one in results:
            host, service = one.service.host, one.service.service
            by_name.setdefault((host, service, one.sla), []).append(one)
            sites.setdefault((host, service), set()).update([one.service.site] if one.service.site else [])
        combinations = [
            tuple(of_site)
            for (host, service, _), of_name in by_name.items()
            for of_site in _by_site(of_name, sorted(sites[host, service]))
        ]
        return cls(tuple(combinations), waited_s, time_zone)


def results_from(
    slas: Sequence[str],
    services: Sequence[Service],
    period: Period,
    agreements: Iterable[Agreement],
    asked_at: float,
) -> Iterator[Result]:
    """Hold one answer against what was asked for: at least one result for each SLA of each service."""
    found: dict[Triple, list[Agreement]] = {}
    for agreement in agreements:
        for names in product(*map(spellings, (agreement.host, agreement.service, agreement.sla))):
            found.setdefault((names[0], names[1], names[2]), []).append(agreement)
    asked = {(service.host, service.service, sla) for service in services for sla in slas}
    for sla in slas:
        for service in services:
            blank = Result(service=service, sla=sla, period=period, asked_at=asked_at)
            names = (service.host, service.service, sla)
            yield from _matching(blank, _meant(found.get(names, []), names, asked))


def _meant(agreements: list[Agreement], names: Triple, asked: set[Triple]) -> list[Agreement]:
    """Those that bear the very names, if any does; else those that may be meant by them, and by no others asked for."""
    exact = [one for one in agreements if (one.host, one.service, one.sla) == names]
    return exact or [one for one in agreements if (one.host, one.service, one.sla) not in asked]


def _matching(blank: Result, agreements: list[Agreement]) -> Iterator[Result]:
    wanted = blank.service.site
    by_site: dict[str, list[Agreement]] = {}
    for one in agreements:
        if not wanted or same(one.site, wanted):
            by_site.setdefault(wanted or label(repaired(one.site)), []).append(one)
    if not by_site:
        yield replace(blank, problem=ABSENT)
    # Sites come in whatever order the answer happens to have.
    for site, of_site in sorted(by_site.items()):
        here = replace(blank, service=replace(blank.service, site=label(site)))
        found = _one_of(of_site)
        if found is None:
            yield replace(here, problem=f"{len(of_site)} results came for it where one was asked for")
        else:
            yield replace(here, agreement=found, problem=found.problem)


def _one_of(agreements: list[Agreement]) -> Agreement | None:
    """The one that all of them are; some may not say which SLA periods they are of."""
    found = next((one for one in agreements if one.numbers is not None), agreements[0])
    is_one = all(replace(one, numbers=one.numbers or found.numbers) == found for one in agreements)
    return found if is_one else None


def _by_site(results: list[Result], sites: Sequence[str]) -> Iterator[list[Result]]:
    """The results of one SLA of one service by site, with those that a site leaves out."""
    if not sites:
        yield results
        return
    periods = {one.period: one for one in results}
    for site in sites:
        of_site = {one.period: one for one in results if one.service.site == site}
        yield [of_site.get(period) or _left_out(one, site) for period, one in periods.items()]


def _left_out(one: Result, site: str) -> Result:
    return replace(one, service=replace(one.service, site=site), agreement=None, problem=ABSENT)
