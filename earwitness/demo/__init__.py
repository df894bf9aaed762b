"""The demo: a labelled day of a telephony platform, sent through the real stack and compared."""
