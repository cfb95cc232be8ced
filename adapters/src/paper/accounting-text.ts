import type { Accounting, Disclosure } from '@keepwell/sdk/audit/accounting'
import { isoTime } from '@keepwell/sdk/base/time'
import { type Language, type Texts, textsIn } from './words.ts'

/** `2026-11-29 10:15:07`: the same everywhere, for it is compared with logs. */
export const stamp = (unix: number): string => isoTime(unix).slice(0, 19).replace('T', ' ')
const day = (unix: number): string => isoTime(unix).slice(0, 10)

/** What stands above the list: names and values. */
export function aboutOf(a: Accounting, language: Language): (readonly [string, string])[] {
  const { t } = textsIn(language)
  const of = (test: (d: Disclosure) => boolean): number => a.disclosures.filter(test).length
  const allowed = a.disclosures.filter(d => d.refused === null)
  const writes = (d: Disclosure): boolean => d.action === 'create' || d.action === 'update'
  const { ledger, anchored, relay, size } = a.log
  const counts = {
    all: a.disclosures.length,
    opened: allowed.filter(d => !writes(d)).length,
    emergency: allowed.filter(d => !writes(d) && d.basis.kind === 'emergency').length,
    written: allowed.filter(writes).length,
    refused: of(d => d.refused !== null),
  }
  return [
    [t('of'), a.name],
    [t('vault'), a.vault],
    [t('period'), `${a.from === null ? t('beginning') : stamp(a.from)} – ${stamp(a.until)} UTC`],
    [t('made'), `${stamp(a.made)} UTC`],
    [t('scope'), `${t('scopeText')} ${t(a.own ? 'ownIn' : 'ownOut')}`],
    [t('counts'), t('countsText', counts)],
    [t('checked'), a.problems.length ? t('bad', { count: a.problems.length }) : t('good', { count: a.receipts })],
    ...a.problems.map(p => ['', `${p.seq ? `${t('number', { seq: p.seq })}: ` : ''}${p.message} (${p.code})`] as const),
    [t('how'), t('howText')],
    [t('log'), t('logText', { relay, size })],
    [
      t('anchor'),
      anchored && ledger
        ? t('anchorText', {
            size: anchored.size,
            root: anchored.root,
            time: `${stamp(anchored.time)} UTC`,
            chain: ledger.chainId,
            contract: ledger.contract,
            log: ledger.log,
          })
        : t('notAnchored'),
    ],
    [t('verify'), t('verifyText')],
  ]
}

export const COLUMNS = ['date', 'recipient', 'what', 'why', 'receipt'] as const

/** One line of the list, a cell for each column. */
export function cellsOf(d: Disclosure, language: Language): string[] {
  const texts = textsIn(language)
  return [stamp(d.time), recipientOf(d, texts), whatOf(d, texts), `${purposeOf(d, texts)}\n${basisOf(d, texts)}`, receiptOf(d, texts)]
}

function recipientOf({ recipient: r }: Disclosure, { t }: Texts): string {
  const who = [r.person && t('person', { person: r.person }), r.role].filter(Boolean).join(', ')
  return [`${r.name} (${t(r.own ? 'owner' : `standing.${r.standing}`)})`, who, r.did].filter(Boolean).join('\n')
}

export const recordsOf = (d: Disclosure, { t }: Texts): string => d.records.map(r => r.title ?? t('erased')).join('; ')
export const partsOf = (d: Disclosure, { named }: Texts): string => d.parts.map(p => named('part', p)).join(', ')
export const purposeOf = (d: Disclosure, { named }: Texts): string => named('purpose', d.purpose)
export const actionOf = (d: Disclosure, { named }: Texts): string => named('action', d.action)

/** That nothing was disclosed, and why; empty when something was. */
export const refusalOf = ({ refused }: Disclosure, { t, named }: Texts): string =>
  refused ? t('refused', { reasons: refused.map(r => named('reason', r)).join(', ') }) : ''

function whatOf(d: Disclosure, texts: Texts): string {
  const { t } = texts
  const did = [actionOf(d, texts), recordsOf(d, texts)].filter(Boolean).join(': ')
  return [refusalOf(d, texts), did, d.parts.length ? t('parts', { parts: partsOf(d, texts) }) : ''].filter(Boolean).join('\n')
}

export function basisOf({ basis: b }: Disclosure, { t }: Texts): string {
  if (b.kind !== 'consent') return t(`basis.${b.kind}`)
  const times = { from: day(b.from), until: day(b.until) }
  return b.by ? t('basis.proxy', { ...times, by: b.by }) : t('basis.consent', times)
}

const receiptOf = ({ receipt: r }: Disclosure, { t }: Texts): string =>
  [
    t('number', { seq: r.seq }),
    t('place', { index: r.index }),
    t('hash', { hash: `${r.hash.slice(0, 32)}\n${r.hash.slice(32)}` }),
    r.reader === 'unknown' ? t('unknownReader') : '',
  ]
    .filter(Boolean)
    .join('\n')
