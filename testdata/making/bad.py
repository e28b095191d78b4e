"""What one bad file is, and the words for what should come of it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Bad:
    """A file, what is wrong with it, and what a scan of it may answer.

    `outcome` is `error` (then `accepted` are kinds of error), `inconclusive` (then they are
    reasons, any one of which is enough), `scans`: an answer without an error, or `either`: an
    answer, or an error of an accepted kind.
    """

    name: str
    content: bytes
    wrong: str
    outcome: str
    accepted: tuple = ()
    remark: str = ""

    def __post_init__(self):
        if len(self.content) > MAX_BYTES:
            raise ValueError(f"{self.name} has {len(self.content)} bytes, more than {MAX_BYTES}")

    @property
    def expectation(self):
        """The table's last column."""
        kinds = " or ".join(f"`{kind}`" for kind in self.accepted)
        words = {
            "error": f"error: {kinds}",
            "inconclusive": "`inconclusive`: " + " or ".join(self.accepted),
            "scans": "scans",
            "either": f"scans, or error: {kinds}",
        }[self.outcome]
        return f"{words}; {self.remark}" if self.remark else words


MAX_BYTES = 20_000


def refused(name, content, wrong, *kinds, remark=""):
    return Bad(name, content, wrong, "error", kinds, remark)


def inconclusive(name, content, wrong, *reasons, remark=""):
    return Bad(name, content, wrong, "inconclusive", reasons, remark)


def scans(name, content, wrong, remark=""):
    return Bad(name, content, wrong, "scans", (), remark)


def either(name, content, wrong, *kinds, remark=""):
    return Bad(name, content, wrong, "either", kinds, remark)
