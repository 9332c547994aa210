"""Text of others is redacted before it is cut, and its stars are shown whole or not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmill.model.secret import Secret, redact, shortened

TOKEN = "X4V3Q6PROJECTTOKEN000001"


@pytest.mark.parametrize(
    ("text", "longest", "expected"),
    [
        ("", 10, ""),
        ("", 0, ""),
        ("0123456789", 10, "0123456789"),
        ("0123456789", 9, "012345..."),
        ("0123456789", 4, "0..."),
        ("0123456789", 3, "..."),
        ("0123456789", 2, ".."),
        ("0123456789", 0, ""),
        (f"0123{TOKEN}", 10, "0123***"),
        (f"012{TOKEN}345678", 9, "012***..."),
        (f"0123{TOKEN}45678", 9, "0123..."),
        (f"01234{TOKEN}5678", 9, "01234..."),
        (f"012345{TOKEN}678", 9, "012345..."),
        (TOKEN * 4, 10, "..."),
        (f"{TOKEN} {TOKEN} {TOKEN}", 10, "*** ***..."),
        ("*" * 20, 10, "..."),
    ],
)
def test_a_text_is_cut_after_it_is_redacted(text: str, longest: int, expected: str) -> None:
    Secret(TOKEN)
    assert shortened(text, longest) == expected


@given(
    before=st.text(alphabet="ab* ", max_size=40),
    between=st.text(alphabet="ab* ", max_size=40),
    longest=st.integers(0, 80),
)
def test_no_cut_leaves_a_part_of_a_secret_or_of_its_stars(before: str, between: str, longest: int) -> None:
    Secret(TOKEN)
    whole = redact(f"{before}{TOKEN}{between}{TOKEN}")
    shown = shortened(f"{before}{TOKEN}{between}{TOKEN}", longest)
    assert len(shown) <= longest
    assert not set(shown) & set(TOKEN)
    if shown != whole:
        kept = shown.removesuffix("...") if longest >= 3 else ""
        assert whole.startswith(kept)
        assert not (kept.endswith("*") and whole[len(kept)] == "*")
