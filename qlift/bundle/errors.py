"""The one error of this room."""

LONGEST = 500
"""Characters of one problem: what is wrong with a name of a megabyte is said without the megabyte."""


def for_people(text: str) -> str:
    """One printable line of bounded length: what files hold goes to terminals and into logs."""
    plain = "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in text[: 2 * LONGEST]
    )
    if len(text) <= LONGEST and len(plain) <= LONGEST:
        return plain
    half = LONGEST // 2
    end = "".join(c if c.isprintable() else " " for c in text[-half:])
    return f"{plain[:half]} ... {end}"


class BundleError(Exception):
    """Lists every problem of a bundle, one a line, each with its file and a remedy."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(for_people(p) for p in problems)
        super().__init__("\n".join(self.problems))
