"""A record is looked for in its own time."""

from datetime import UTC, datetime

import pytest

from earwitness.query.pages import Life, life_of


@pytest.mark.parametrize(
    ("spans", "life"),
    [
        ([], Life(None, None)),
        ([("2026-03-01T00:00:00Z", None)], Life(datetime(2026, 3, 1, tzinfo=UTC), None)),
        (
            [
                ("2026-03-05T00:00:00Z", "2026-03-09T00:00:00Z"),
                ("2026-03-01T00:00:00Z", "2026-03-07T00:00:00Z"),
            ],
            Life(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 9, tzinfo=UTC)),
        ),
        (
            [("2026-03-05T00:00:00Z", "2026-03-09T00:00:00Z"), ("2026-03-01T00:00:00Z", None)],
            Life(datetime(2026, 3, 1, tzinfo=UTC), None),
        ),
    ],
)
def test_the_life_of_a_record_is_that_of_all_its_versions(
    spans: list[tuple[str, str | None]], life: Life
) -> None:
    """An older verdict may rest on a version that was longer in force."""
    versions = [{"record": {"valid_from": begin, "valid_to": end}} for begin, end in spans]
    assert life_of(versions) == life
