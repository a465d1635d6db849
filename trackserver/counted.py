"""What a trackserver counts about itself: how much went out, never of what."""

from typing import Final

from plumbing.meter import Counted

DOWNLOADS: Final = Counted(
    name="downloads_started",
    help="Answers that began to send a file or a zip; a download that resumes is one more, with part.",
    labels={"what": frozenset({"zip", "file"}), "how": frozenset({"whole", "part"})},
)
GRANTS: Final = Counted(
    name="grants_redeemed", help="Grants that became a download.", labels={"by": frozenset({"browser", "wallet"})}
)
