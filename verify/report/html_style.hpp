// The style sheet of index.html: light, dark and print from one set of names. No font, picture or script is
// fetched.
#pragma once

#include <string_view>

namespace assay::verify {

inline constexpr std::string_view kReportStyle = R"(:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #1b2027; --soft: #5a6472; --line: #d9dee5; --shade: #f4f6f8;
  --blue: #1f5fbf; --orange: #c2570c; --green: #14713d; --red: #b3261e; --amber: #8a5a00; --faint: #7d8ea3;
}
@media (prefers-color-scheme: dark) { :root {
  --paper: #14181d; --ink: #e4e8ed; --soft: #9aa6b4; --line: #313943; --shade: #1c2229;
  --blue: #79aef5; --orange: #f2a05c; --green: #67c98f; --red: #f28b82; --amber: #e3b341; --faint: #8a99ab;
} }
@media print { :root {
  color-scheme: light;
  --paper: #ffffff; --ink: #000000; --soft: #444444; --line: #bbbbbb; --shade: #f2f2f2;
  --blue: #1f5fbf; --orange: #c2570c; --green: #14713d; --red: #b3261e; --amber: #8a5a00; --faint: #7d8ea3;
} }
* { box-sizing: border-box; }
html { background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, "Segoe UI", "Helvetica Neue", "DejaVu Sans", Arial, sans-serif; }
body { max-width: 62rem; margin: 0 auto; padding: 2.5rem 1.5rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: .1rem 0 1rem; overflow-wrap: anywhere; }
h2 { font-size: 1.3rem; margin: 2.6rem 0 .7rem; padding-bottom: .3rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1.05rem; margin: 1.8rem 0 .5rem; }
code, pre { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .88em; overflow-wrap: anywhere; }
pre { background: var(--shade); border: 1px solid var(--line); border-radius: 6px; padding: .8rem 1rem; overflow-x: auto; }
a { color: var(--blue); }
.kind { margin: 0; color: var(--soft); text-transform: uppercase; letter-spacing: .08em; font-size: .8rem; }
.root { background: var(--shade); border: 1px solid var(--line); border-radius: 6px; padding: .7rem 1rem; margin: 0 0 1rem; }
.root code { font-size: 1rem; margin-right: .25rem; }
.root .what { color: var(--soft); margin-right: .5rem; }
.facts { margin: 0 0 1.4rem; }
.facts div { display: grid; grid-template-columns: 8rem 1fr; gap: .2rem 1rem; padding: .1rem 0; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: .6rem 0 1rem; font-size: .9rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--soft); padding: .2rem 0 .4rem; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid var(--line); overflow-wrap: break-word; max-width: 34rem; }
thead th { color: var(--soft); font-weight: 600; border-bottom-width: 2px; vertical-align: bottom; overflow-wrap: normal; }
tbody th { font-weight: 500; }
.n { text-align: right; white-space: nowrap; }
thead .n { white-space: normal; }
.numbers { font-size: .8rem; }
.numbers th, .numbers td { padding: .12rem .5rem; }
.verdicts { font-size: 1rem; }
.verdicts caption { display: none; }
.verdicts th { width: 9rem; font-weight: 600; }
.verdicts td:nth-child(2) { width: 8rem; }
.answer { display: inline-block; min-width: 4.2rem; padding: .05rem .6rem; border-radius: 1rem; border: 1.5px solid currentColor; text-align: center; font-weight: 600; font-size: .9rem; white-space: nowrap; }
.yes .answer { color: var(--green); } .no .answer { color: var(--red); } .doubt .answer { color: var(--amber); } .open .answer { color: var(--soft); border-style: dashed; }
.findings .severity { font-weight: 600; } .error .severity { color: var(--red); } .warning .severity { color: var(--amber); } .note .severity { color: var(--soft); }
.findings td:nth-child(3) { min-width: 7rem; max-width: 14rem; }
.findings dl { margin: .2rem 0 0; font-size: .85rem; }
.findings dl div { display: grid; grid-template-columns: 5rem 1fr; gap: .5rem; }
.two { display: grid; grid-template-columns: 1fr 1fr; gap: 2rem; }
.two ul { padding-left: 1.1rem; margin: .4rem 0; }
nav p { color: var(--soft); font-size: .9rem; } nav a { margin-right: .8rem; }
figure { margin: 0 0 2rem; } figure svg, figure img { display: block; width: 100%; height: auto; }
figure img { background: #ffffff; border: 1px solid var(--line); max-width: 40rem; }
figcaption { color: var(--soft); font-size: .9rem; margin: .4rem 0; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
svg path { fill: none; stroke-linejoin: round; stroke-linecap: round; }
svg text { fill: var(--ink); font-size: 13px; }
svg .tick { fill: var(--soft); font-size: 12px; } svg .small { fill: var(--soft); font-size: 11px; }
svg .label { fill: var(--ink); font-size: 13px; font-weight: 600; } svg .key { font-size: 12.5px; }
svg .grid { stroke: var(--line); stroke-width: 1; } svg .axis { stroke: var(--soft); stroke-width: 1; }
svg .faint { stroke: var(--faint); stroke-width: 1; opacity: .28; } svg .faint-key { stroke: var(--faint); stroke-width: 1.5; opacity: .7; }
svg .band { fill: var(--blue); opacity: .18; } svg .median { stroke: var(--blue); stroke-width: 2.2; }
svg .best { stroke: var(--orange); stroke-width: 2.4; } svg .best-dots { stroke: var(--orange); stroke-width: 7; }
svg .dots { stroke: var(--faint); stroke-width: 4; opacity: .5; }
svg .few { stroke-width: 7; opacity: .75; }
svg .bar { fill: var(--faint); opacity: .6; } svg .baseline { stroke: var(--blue); stroke-width: 2; stroke-dasharray: 5 4; } svg .other { stroke-dasharray: 1.5 4; }
svg .edge { stroke: var(--faint); stroke-width: 1.4; }
svg .box { fill: var(--paper); stroke: var(--faint); stroke-width: 1.2; } svg .good { stroke: var(--orange); stroke-width: 1.6; } svg .top { stroke: var(--orange); stroke-width: 3.4; }
svg .box-id { font-weight: 600; font-size: 12.5px; }
@media (max-width: 44rem) { .two { grid-template-columns: 1fr; gap: 0; } .facts div { grid-template-columns: 1fr; } }
@media print {
  @page { margin: 16mm; }
  html { font-size: 10.5pt; } body { max-width: none; padding: 0; }
  nav { display: none; } #proves { break-after: page; } a { color: inherit; text-decoration: none; }
  h2, h3, caption { break-after: avoid; } tr, figure svg { break-inside: avoid; } .scroll { overflow: visible; } thead { display: table-header-group; break-after: avoid; } tbody tr:first-child { break-before: avoid; }
  .answer, svg, .root { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
)";

}  // namespace assay::verify
