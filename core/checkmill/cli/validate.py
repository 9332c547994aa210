"""`checkmill validate`: everything that is wrong with rules and settings, without any network."""

from __future__ import annotations

from checkmill.cli.session import Session


def validate(session: Session) -> int:
    """Print all problems and a summary; 3 when there is any."""
    with session.book() as (book, host):
        book.validate_everything()
        problems = [*book.problems, *host.problems]
        healthy = len(book.rules(book.drafts))
        written = len(book.drafts) + len(set(book.rejected) - set(book.drafts))
        files = f"{len(book.files)} file{'' if len(book.files) == 1 else 's'} in {book.directory}"
    lines = [str(problem) for problem in problems]
    count = f"{len(problems)} problem{'' if len(problems) == 1 else 's'}" if problems else "no problems"
    lines.append(f"{count}; {healthy} of {written} checks can run, from {files}")
    session.streams.results("\n".join(lines) + "\n")
    return 3 if problems else 0
