"""How many small mistakes in the judge its tests notice: `make mutants`."""
