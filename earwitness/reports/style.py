"""How the page of a report looks, on a screen and on paper. No fonts or pictures are loaded."""

from typing import Final

STYLE: Final = """
:root { --ink: #1c2430; --soft: #566173; --line: #d5dae2; --wash: #f4f6f9;
  --open: #a1260d; --accent: #1f4e79; }
* { box-sizing: border-box; }
body { margin: 0; background: #fff; color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "Liberation Sans", Arial, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 40px 24px 64px; }
.eyebrow { margin: 0; color: var(--accent); font-size: 13px; font-weight: 600; letter-spacing: .04em; }
h1 { margin: 4px 0 20px; font-size: 28px; line-height: 1.25; overflow-wrap: anywhere; }
h2 { margin: 40px 0 8px; font-size: 19px; }
dl, dd { margin: 0; }
.facts { border-top: 2px solid var(--accent); }
.facts > div { display: grid; grid-template-columns: 110px 1fr; gap: 16px; padding: 7px 0;
  border-bottom: 1px solid var(--line); }
.facts dt { color: var(--soft); }
.facts dd { overflow-wrap: anywhere; }
.figures { display: flex; flex-wrap: wrap; gap: 12px; margin-top: 24px; }
.figure { display: flex; flex-direction: column-reverse; min-width: 150px; padding: 12px 16px;
  background: var(--wash); border-radius: 6px; }
.figure dt { color: var(--soft); font-size: 13px; }
.figure dd { font-size: 26px; font-weight: 600; line-height: 1.2; }
.none { margin-top: 24px; }
.note { margin: 0 0 8px; color: var(--soft); }
.scrolled { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: 14px; }
caption { padding: 0 0 8px; color: var(--soft); text-align: left; }
th, td { padding: 8px 12px 8px 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top;
  font-weight: 400; overflow-wrap: break-word; }
thead th { border-bottom: 2px solid var(--ink); font-weight: 600; white-space: nowrap; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.number:last-child, th.number:last-child { padding-right: 0; }
.when { white-space: nowrap; font-variant-numeric: tabular-nums; }
.day th { padding-top: 20px; font-weight: 600; }
.id { display: block; color: var(--soft); font-size: 12px; overflow-wrap: anywhere; }
q { display: block; }
.quoted { padding: 0; list-style: none; max-width: 80ch; }
.quoted li { margin: 12px 0; padding-left: 12px; border-left: 3px solid var(--line); break-inside: avoid; }
small { color: var(--soft); font-size: 12px; }
.open { color: var(--open); font-weight: 600; }
.notes { padding-left: 20px; color: var(--soft); }
.notes li { margin: 4px 0; }
@media (max-width: 640px) {
  main { padding: 24px 16px; } .facts > div { grid-template-columns: 1fr; gap: 0; }
}
@page { size: A4; margin: 16mm 14mm; }
@media print {
  body { font-size: 10pt; } main { max-width: none; padding: 0; } table { font-size: 9pt; }
  h2 { break-after: avoid; } tr, .figure { break-inside: avoid; } thead { display: table-header-group; }
  .day { break-after: avoid; } .scrolled { overflow: visible; }
  .figure { border: 1px solid var(--line); }
}
"""
