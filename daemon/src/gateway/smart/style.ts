/** The look of docs/design.md for pages that a server draws: the same tokens, no script, no font from elsewhere. */
export const STYLE = `:root{color-scheme:light dark;--paper:#faf6f1;--surface:#fff;--sunken:#f3ede5;--line:#e4dbd0;--line-strong:#8d8390;--ink:#251c2a;--dim:#645969;--brand:#683778;--on-brand:#fff;--brand-text:#5d2f6c;--good:#1b6a45;--warn:#7d4b00;--warn-soft:#fcefd6;--bad:#a3261d;--bad-soft:#fce6e3}
@media(prefers-color-scheme:dark){:root{--paper:#151118;--surface:#1e1923;--sunken:#120e15;--line:#362d3d;--line-strong:#80758a;--ink:#f0eaf3;--dim:#b3a8bb;--brand:#c9a3d6;--on-brand:#211527;--brand-text:#dcc1e6;--good:#8fd6b3;--warn:#f0bd6a;--warn-soft:#392a11;--bad:#ff9f94;--bad-soft:#421d1a}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:1.0625rem/1.5 "Atkinson Hyperlegible Next",system-ui,sans-serif}
main{max-width:34rem;margin:0 auto;padding:2rem 1.25rem 3rem}
h1{font:600 1.75rem/1.2 Fraunces,Georgia,serif;margin:0 0 .5rem}
h2{font-size:1.0625rem;margin:1.5rem 0 .5rem}
.card{background:var(--surface);border:1px solid var(--line);border-radius:14px;padding:1.25rem}
.dim{color:var(--dim)}
label,legend{display:block;font-weight:600;margin:1rem 0 .25rem}
fieldset{border:0;margin:0;padding:0}
input[type=text],input[type=password],select{width:100%;min-height:2.75rem;padding:.5rem .75rem;font:inherit;color:inherit;background:var(--surface);border:1px solid var(--line-strong);border-radius:9px}
.tick{display:flex;gap:.75rem;align-items:flex-start;font-weight:400;margin:.25rem 0;padding:.5rem 0;border-bottom:1px solid var(--line)}
.tick input{width:1.25rem;height:1.25rem;margin:.15rem 0 0;flex:none;accent-color:var(--brand)}
.tick small{display:block;color:var(--dim);font-size:.9375rem}
button{width:100%;min-height:2.75rem;margin-top:1rem;padding:.5rem 1rem;font:inherit;font-weight:600;border-radius:9px;border:1px solid var(--brand);cursor:pointer}
.main{background:var(--brand);color:var(--on-brand)}
.quiet{background:transparent;color:var(--brand-text)}
:focus-visible{outline:3px solid var(--brand);outline-offset:2px}
.alert{background:var(--bad-soft);color:var(--bad);border-radius:9px;padding:.75rem 1rem;margin:0 0 1rem}
.note{background:var(--warn-soft);color:var(--warn);border-radius:9px;padding:.75rem 1rem;margin:1rem 0}
.or{margin:1.5rem 0 0;text-align:center;color:var(--dim)}
code,.codes{font:1rem/1.6 ui-monospace,Menlo,Consolas,monospace;overflow-wrap:anywhere}
.codes{columns:2;list-style:none;padding:0}
a{color:var(--brand-text)}
[hidden]{display:none}
.wide{max-width:76rem}
.fields{display:grid;grid-template-columns:repeat(auto-fill,minmax(13rem,1fr));gap:0 1rem}
.row{display:flex;flex-wrap:wrap;gap:.75rem;align-items:center}
.row button,td button{width:auto;margin-top:0}
.row form{margin:0}
input[type=date]{width:100%;min-height:2.75rem;padding:.5rem .75rem;font:inherit;color:inherit;background:var(--surface);border:1px solid var(--line-strong);border-radius:9px}
table{width:100%;border-collapse:collapse;margin:1rem 0}
th,td{text-align:left;vertical-align:top;padding:.6rem .75rem .6rem 0;border-bottom:1px solid var(--line)}
td small{display:block;color:var(--dim)}
.holds{color:var(--good);font-weight:600}
.fails{color:var(--bad);font-weight:600}
dl{margin:0}
dt{font-weight:600;margin-top:.75rem}
dd{margin:0;overflow-wrap:anywhere}
ol.steps{padding-left:1.5rem}
ol.steps li{margin:.5rem 0}
@media(max-width:48rem){thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}tr,td{display:block;border:0;padding:.15rem 0}tr{padding:.75rem 0;border-bottom:1px solid var(--line)}}
`

/** `smart_style_url`: how an app may look so as to belong here (SMART App Launch 2.2 §styling). */
export const STYLE_JSON = {
  color_background: '#faf6f1',
  color_error: '#a3261d',
  color_highlight: '#683778',
  color_modal_backdrop: '#251c2a',
  color_success: '#1b6a45',
  color_text: '#251c2a',
  dim_border_radius: '9px',
  dim_font_size: '17px',
  dim_spacing_size: '20px',
  font_family_body: "'Atkinson Hyperlegible Next', system-ui, sans-serif",
  font_family_heading: 'Fraunces, Georgia, serif',
}

/** The only script: asks the browser for a passkey and posts the answer. Without it passphrase and code still work. */
export const SCRIPT = `'use strict'
const bytes = t => Uint8Array.from(atob(t.replace(/-/g, '+').replace(/_/g, '/')), c => c.charCodeAt(0))
const text = b => btoa(String.fromCharCode(...new Uint8Array(b))).replace(/\\+/g, '-').replace(/\\//g, '_').replace(/=+$/, '')
const ids = list => (list || []).map(c => ({ ...c, id: bytes(c.id) }))
async function answer(form) {
  const o = JSON.parse(form.dataset.options)
  if (form.dataset.passkey === 'make') {
    const c = await navigator.credentials.create({ publicKey: { ...o, challenge: bytes(o.challenge), user: { ...o.user, id: bytes(o.user.id) }, excludeCredentials: ids(o.excludeCredentials) } })
    return { id: c.id, rawId: text(c.rawId), type: c.type, clientExtensionResults: {}, response: { clientDataJSON: text(c.response.clientDataJSON), attestationObject: text(c.response.attestationObject), transports: c.response.getTransports ? c.response.getTransports() : [] } }
  }
  const c = await navigator.credentials.get({ publicKey: { ...o, challenge: bytes(o.challenge), allowCredentials: ids(o.allowCredentials) } })
  return { id: c.id, rawId: text(c.rawId), type: c.type, clientExtensionResults: {}, response: { clientDataJSON: text(c.response.clientDataJSON), authenticatorData: text(c.response.authenticatorData), signature: text(c.response.signature), userHandle: c.response.userHandle ? text(c.response.userHandle) : undefined } }
}
for (const form of document.querySelectorAll('form[data-passkey]')) {
  if (!window.PublicKeyCredential) continue
  form.hidden = false
  form.addEventListener('submit', event => {
    if (form.elements.answer.value) return
    event.preventDefault()
    answer(form).then(a => { form.elements.answer.value = JSON.stringify(a); form.submit() }, () => { form.querySelector('[role=alert]').hidden = false })
  })
}
`
