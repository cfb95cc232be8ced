import { createHash } from 'node:crypto'

const STYLE = `
:root{color-scheme:light dark;--paper:#fbfaf7;--ink:#1c2321;--soft:#5c6763;--line:#dcded8;--card:#fff;--mark:#0b6e5f;--code:#f1f2ed}
@media (prefers-color-scheme:dark){:root{--paper:#111614;--ink:#e7ece9;--soft:#98a5a0;--line:#2a322f;--card:#181e1c;--mark:#5ecbb6;--code:#0c100f}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.6 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:44rem;margin:0 auto;padding:3rem 1.25rem 4rem}
h1{font-size:1.75rem;line-height:1.2;margin:0 0 .25rem;letter-spacing:-.01em}
h2{font-size:1.05rem;margin:2.25rem 0 .75rem}
p{margin:0 0 1rem;max-width:38rem}
.lead{color:var(--soft);font-size:1.05rem}
.state{display:inline-flex;gap:.5rem;align-items:center;color:var(--mark);font-weight:600;margin:0 0 .75rem}
.state::before{content:"";width:.6rem;height:.6rem;border-radius:50%;background:currentColor}
dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(12rem,1fr));gap:1px;background:var(--line);border:1px solid var(--line);border-radius:.6rem;overflow:hidden;margin:0}
dl div{background:var(--card);padding:.8rem 1rem}
.wide{grid-column:1/-1}
dt{color:var(--soft);font-size:.8rem}
dd{margin:.1rem 0 0;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
code,pre{font:.875rem/1.55 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
pre{background:var(--code);border:1px solid var(--line);border-radius:.6rem;padding:.9rem 1rem;overflow-x:auto;margin:0 0 1rem}
a{color:var(--mark)}a:focus-visible{outline:2px solid;outline-offset:2px}
footer{margin-top:2.5rem;color:var(--soft);font-size:.875rem}
`

/** For a page of one file: no scripts, nothing from elsewhere. */
export const PAGE_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
export const escapeHtml = (s: string): string => s.replace(/[&<>"']/g, c => ENTITIES[c]!)

export const fact = (name: string, value: string, wide = false): string =>
  `<div${wide ? ' class="wide"' : ''}><dt>${name}</dt><dd>${escapeHtml(value)}</dd></div>`

export type PlainPage = { readonly title: string; readonly state: string; readonly lead: string; readonly body: string }

/** A page for people, in one file. `body` is HTML; the rest is text. */
export const plainPage = ({ title, state, lead, body }: PlainPage): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<p class="state">${escapeHtml(state)}</p>
<h1>${escapeHtml(title)}</h1>
<p class="lead">${escapeHtml(lead)}</p>
${body}
</main>
</body>
</html>
`

export const count = (n: number): string => n.toLocaleString('en-GB')
