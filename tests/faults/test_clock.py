"""A clock that is set back by an hour, or ahead: nothing is taken twice, nothing valid is refused for ever."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import httpx
import pytest

from credentials.encoding import base64url, strict_json
from credentials.protocols.freshness import NotFresh, check_fresh
from credentials.status import StatusPolicy
from issuer.publishing import publish, signed_list
from issuer.service.sweep import sweep
from issuer.store import Store
from plumbing.runs import Runs
from tests.faults.test_outages import receive_with
from tests.issuer import conftest as issuing
from tests.issuer.conftest import browser, wallet
from tests.verifier.conftest import PAGE, authority, certified, clock, database, gate, site, trackserver
from tests.verifier.conftest import coop as label
from tests.verifier.test_statuses import Host, host, show

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path
