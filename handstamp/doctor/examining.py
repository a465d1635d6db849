"""Runs the checks: side by side, bounded in time, and none of them can end the others."""

import asyncio
import os
import ssl
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from handstamp.doctor.case import Case, NotToBeSeen
from handstamp.doctor.kinds import MACHINE, SERVICES, SETTINGS, WALLET, Finding, Kind, Severity, warning
from handstamp.doctor.machine import Machine
from handstamp.doctor.web import Web
from handstamp.settings import Role, Settings

CHECK_TIMEOUT_S: Final = 30.0
UNUSABLE: Final = frozenset({"setting_unknown", "setting_unusable"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A finding, whose it is, and of which kind."""

    role: str
    kind: Kind
    finding: Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was looked at, and what was found.

    Attributes:
        roles: whose settings were looked at.
        checks: how many checks ran.
        left_out: how many would have asked the network.
        found: the findings.
    """

    roles: Sequence[str]
    checks: int
    left_out: int
    found: Sequence[Found]

    @property
    def exit_code(self) -> int:
        """Return 0 if all is well, 1 if something does not work, 2 if the settings cannot be used."""
        if any(each.kind.id in UNUSABLE for each in self.found):
            return 2
        return int(any(each.finding.severity is Severity.ERROR for each in self.found))


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is to be looked at.

    Attributes:
        settings: None if they cannot be read.
        roles: which of services and wallet.
        now: the moment.
        machine: the machine.
        web: the network; None for not asking it.
        environment: the variables of the process.
    """

    settings: Settings | None
    roles: Sequence[str]
    now: datetime
    machine: Machine
    web: Web | None
    environment: Mapping[str, str]


async def examine(question: Question, kinds: Mapping[str, Kind]) -> Report:
    """Run every check that is for the roles asked for, and gather what they find."""
    web = question.web or Web(lambda: question.now, trust=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    groups = [MACHINE] if question.settings is None else [MACHINE, SETTINGS, *question.roles]
    runs = [(_case(question, role, web), kind) for role in groups for kind in kinds.values() if role in kind.roles]
    asked = [(case, kind) for case, kind in runs if kind.look is not None or question.web is not None]
    try:
        found = await asyncio.gather(*(_run(case, kind) for case, kind in asked))
    finally:
        await web.close()
    return Report(
        roles=groups,
        checks=len(asked),
        left_out=len(runs) - len(asked),
        found=[each for findings in found for each in findings],
    )


def _case(question: Question, role: str, web: Web) -> Case:
    services: tuple[Role, ...] = tuple(each for each in SERVICES if each in question.roles)
    return Case(
        role=role,
        given=question.settings,
        roles=services,
        now=question.now,
        machine=question.machine,
        web=web,
        environment=question.environment,
    )


async def _run(case: Case, kind: Kind) -> list[Found]:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            findings = await _look(case, kind)
    except NotToBeSeen:
        findings = []
    except TimeoutError:
        findings = [_failed(kind, "it took too long")]
    except PermissionError as refused:
        # Of a folder that this user may not enter one kind tells, and not twenty.
        findings = [_failed(kind, f"this user may not look at {refused.filename}")] if _may_enter(case) else []
    except Exception as failed:  # noqa: BLE001  # no check may end the others; its message may hold anything, so not it
        findings = [_failed(kind, type(failed).__name__)]
    return [Found(role=case.role, kind=kind, finding=each) for each in findings]


async def _look(case: Case, kind: Kind) -> Iterable[Finding]:
    if kind.look is not None:
        look = kind.look
        return await asyncio.to_thread(lambda: list(look(case)))
    return list(await kind.ask(case)) if kind.ask is not None else ()


def _may_enter(case: Case) -> bool:
    if case.given is None or os.access(case.folder, os.R_OK | os.X_OK):
        return True
    return os.access(case.given.data_dir, os.X_OK) and not os.path.lexists(case.folder)


def _failed(kind: Kind, why: str) -> Finding:
    return warning(
        f"This could not be looked at ({why}).",
        where=kind.title,
        do="Look at it yourself; if it happens again, tell the makers of Handstamp.",
    )


def default_roles(settings: Settings) -> list[str]:
    """Return the roles that are in use here: that have a folder or a database of their own; else every service."""
    used = [role for role in SERVICES if settings.folder(role).exists() or getattr(settings, role).database_url]
    wallet = [WALLET] if settings.wallet_file().exists() or settings.wallet.passphrase_file else []
    return (used or ([] if wallet else list(SERVICES))) + wallet
