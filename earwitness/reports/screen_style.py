"""How pages look that are read in a browser by day and by night, and sometimes printed."""

from typing import Final

from earwitness.reports.style import STYLE

SCREEN_STYLE: Final = (
    STYLE
    + """
:root { color-scheme: light dark; --paper: #fff; --fine: #1d6b3a; --wait: #8a5a00; }
body { background: var(--paper); }
main { max-width: 860px; }
a { color: var(--accent); overflow-wrap: anywhere; }
a:focus-visible, button:focus-visible, input:focus-visible, textarea:focus-visible {
  outline: 3px solid var(--accent); outline-offset: 2px; }
code { font: 13px/1.5 ui-monospace, "SF Mono", "Liberation Mono", Consolas, monospace;
  background: var(--wash); padding: 2px 5px; border-radius: 4px; overflow-wrap: anywhere; }
.badges { display: flex; flex-wrap: wrap; gap: 8px; margin: 10px 0 18px; padding: 0; }
.badge { padding: 2px 10px; border: 1px solid var(--line); border-radius: 999px; font-size: 13px;
  font-weight: 600; }
.badge.high, .badge.critical { color: var(--open); border-color: currentColor; }
.badge.medium { color: var(--wait); border-color: currentColor; }
.plain { padding-left: 20px; margin: 8px 0; }
.plain li { margin: 6px 0; }
.accesses { padding: 0; margin: 8px 0; list-style: none; }
.accesses li { padding: 12px 0; border-bottom: 1px solid var(--line); break-inside: avoid; }
.accesses p { margin: 0; overflow-wrap: anywhere; }
.accesses .under { margin-top: 4px; font-size: 13px; color: var(--soft); }
.fine { color: var(--fine); font-weight: 600; } .wait { color: var(--wait); font-weight: 600; }
.said { margin: 8px 0; padding: 8px 14px; border-left: 3px solid var(--accent); background: var(--wash);
  white-space: pre-wrap; overflow-wrap: anywhere; }
.warn { padding: 10px 14px; border-left: 3px solid var(--wait); background: var(--wash); }
blockquote { margin: 8px 0; padding-left: 12px; border-left: 3px solid var(--line); font-style: italic; }
label { display: block; margin: 18px 0 6px; font-weight: 600; }
label small { font-weight: 400; font-size: 13px; }
input, textarea { width: 100%; padding: 9px 11px; border: 1px solid var(--soft); border-radius: 6px;
  font: inherit; color: inherit; background: var(--paper); }
textarea { min-height: 9em; resize: vertical; }
button { margin-top: 18px; padding: 10px 22px; border: 0; border-radius: 6px; font: inherit; font-weight: 600;
  color: #fff; background: #1f4e79; cursor: pointer; }
form .note { margin-top: 14px; }
.failed td { background: var(--wash); box-shadow: inset 0 1px var(--open), inset 0 -1px var(--open); }
.fault { padding: 10px 14px; border-left: 3px solid var(--open); background: var(--wash); }
@media screen and (prefers-color-scheme: dark) {
  :root { --paper: #14181f; --ink: #e6e9ef; --soft: #a3adbd; --line: #333c49; --wash: #1e242e;
    --open: #ff8a73; --accent: #8cc1f2; --fine: #7fd6a0; --wait: #f0bf6a; }
  thead th { border-bottom-color: var(--soft); }
  button { background: #2f6ea8; }
}
@media print { a { color: inherit; text-decoration: none; } .next { display: none; } }
"""
)
