"""Debian's nginx with our files, as an ordinary user runs it beside the tests."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.recording import free_port

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CONF = Path(__file__).parents[2] / "deploy" / "nginx"
_PORTS = {"8701": "issuer", "8711": "issuer", "8702": "trackserver", "8712": "trackserver", "8703": "verifier"}
_PORTS["8713"] = "verifier"


def find_nginx() -> str:
    """Return where nginx is, or leave the test out and say so."""
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if found is None:
        pytest.skip("nginx: NOT RUN (apt install nginx-light)")
    return found


def render(place: Path, port: int, workers: Mapping[str, Sequence[int]], *, tls: Path, extra: str = "") -> Path:
    """Write our files for an ordinary user: other ports, names, folders and certificates, and nothing else.

    Args:
        place: an empty folder.
        port: where all hosts are served with TLS.
        workers: the two ports of each role.
        tls: the folder of the hosts' certificates.
        extra: more for the configuration.
    """
    outer = (CONF / "handstamp.conf").read_text("utf-8")
    for written, role in _PORTS.items():
        outer = outer.replace(f"127.0.0.1:{written}", f"127.0.0.1:{workers[role][written[2] == '1']}")
    changes = {
        r"listen 443 ": f"listen 127.0.0.1:{port} ",
        r"listen 80;": f"listen 127.0.0.1:{free_port()};",
        r"/etc/handstamp/tls": str(tls),
        r"/etc/nginx/": f"{place}/",
        r"/var/log/nginx": str(place),
        r"server_name (\w+)\.example": r"server_name \1.localhost",
    }
    for pattern, becomes in changes.items():
        outer = re.sub(pattern, becomes, outer)
    # The DID of a name on this very machine is asked for over plain http (decision 10), on the same port.
    root = r"(    location / \{\s+(?:#[^\n]*\s+)?proxy_pass (http://\w+);)"
    outer = re.sub(root, r"    error_page 497 = @plain;\n    location @plain { proxy_pass \2; }\n\1", outer)
    shutil.copy(CONF / "handstamp-tls.inc", place)
    shutil.copytree(CONF / "pages", place / "handstamp-pages")
    inner = (CONF / "handstamp-proxy.inc").read_text("utf-8")
    inner = inner.replace("/var/log/nginx", str(place)).replace("/etc/nginx", str(place))
    (place / "handstamp-proxy.inc").write_text(inner, "utf-8")
    own = "\n".join(
        f"{each}_temp_path {place}/{each};" for each in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    # What root starts becomes `nobody`, who may not look into the folders of tests.
    user = "user root;" if os.geteuid() == 0 else ""
    start = f"{user} daemon off; pid {place}/pid; events {{}} error_log {place}/main.log;"
    (place / "nginx.conf").write_text(f"{start}\nhttp {{ {own}\n{outer}\n{extra}\n}}\n", "utf-8")
    return place / "nginx.conf"
