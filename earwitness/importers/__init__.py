"""Turn the logs of other systems into access events: text in, events and refusals out."""
