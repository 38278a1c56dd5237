"""The errors of this room."""

LONGEST = 500
"""Characters of one problem: what is wrong with a name of a megabyte is said without the megabyte."""


def for_people(text: str, longest: int = LONGEST, keep: str = "") -> str:
    """Printable (but for `keep`) and of bounded length: what files hold goes to terminals and into logs."""
    if len(text) > longest:
        text = f"{text[: longest // 2]} ... {text[-longest // 2 :]}"
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in keep else c.encode("unicode_escape").decode() for c in text)


class BundleError(Exception):
    """Lists every problem of a bundle, one a line, each with its file and a remedy."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(for_people(p) for p in problems)
        super().__init__("\n".join(self.problems))


class BlobError(Exception):
    """The app-file store cannot be written; the message says what to do."""
