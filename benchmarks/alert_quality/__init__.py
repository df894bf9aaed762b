"""How good the alerts are, on a month that is made up and labelled; docs/alert-population.md says how."""
