"""Pages of alerts and accesses, for whoever follows the link of a message. They change nothing."""

from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from earwitness.api.accesses import Identifier as AccessIdentifier
from earwitness.api.accesses import explained
from earwitness.api.alerts import Identifier, customers_in
from earwitness.api.people import PageRoute, page
from earwitness.api.recording import Asked
from earwitness.api.sources import From
from earwitness.query.rows import customers_of
from earwitness.reports.alert_page import alert_as_html
from earwitness.reports.explanation_page import explanations_as_html

router: Final = APIRouter(route_class=PageRoute)


@router.get("/alerts/{identifier}")
def alert_page(identifier: Identifier, asked: Asked, sources: From) -> Response:
    """Show one alert."""
    alert = sources.desk.alerts.named(identifier)
    if alert is None:
        asked.record("alerts.show", identifier, row_count=0)
        alert = sources.desk.found(identifier)
    whole = sources.desk.described(alert, asked.now)
    asked.record(
        "alerts.show", alert["id"], customer_ids=customers_in(whole), row_count=len(whole["members"])
    )
    return page(alert_as_html(whole))


@router.get("/accesses/{identifier}")
def access_page(identifier: AccessIdentifier, asked: Asked, sources: From) -> Response:
    """Say why an access has its verdict."""
    explanations = explained(identifier, asked, sources, None)
    asked.record(
        "explain",
        identifier,
        customer_ids=customers_of([each["access"] for each in explanations]),
        row_count=len(explanations),
    )
    return page(explanations_as_html(explanations, identifier))
