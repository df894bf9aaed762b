"""What people may write about an alert."""

import pytest

from earwitness.alerts.words import check_text


@pytest.mark.parametrize(
    "text",
    [
        "+15005550006",
        "call +1 500 555 0006 now",
        "her number is +1 (500) 555-0006",
        "+ 44.20.7946.0958",
        "a\x1bb",
    ],
)
def test_a_telephone_number_or_what_nobody_sees_is_refused(text: str) -> None:
    """However people write numbers: with spaces, dots, dashes, and within a sentence."""
    with pytest.raises(ValueError, match="holds"):
        check_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "ticket:20260131123456",
        "CHG-12 + CHG-13",
        "at 2026-01-31 12:00",
        "a line\nand another",
        "+12 more",
        "+1 2",
    ],
)
def test_dates_tickets_and_sums_are_no_telephone_numbers(text: str) -> None:
    """Whoever explains himself names many numbers."""
    assert check_text(text) == text
