import type { Purpose } from '@keepwell/sdk/consent/terms'
import type { Activity, Register } from './processing.ts'

const TO_FILL = '[to be filled in]'
const or = (text: string): string => text.trim() || TO_FILL
const listed = (items: readonly string[], none: string): string => items.join('; ') || none

type Word = (purpose: Purpose) => string

const columns = (word: Word): readonly (readonly [title: string, of: (a: Activity) => string])[] => [
  ['purpose', a => word(a.purpose)],
  ['legal basis', a => or(a.basis)],
  ['people', a => `patients (${a.subjects.patients})`],
  [
    'consents',
    a =>
      Object.entries(a.subjects.consents)
        .flatMap(([level, n]) => (n ? [`${level} ${n}`] : []))
        .join(', ') || 'none lives',
  ],
  ['data', a => listed(a.data, 'none')],
  ['own people, by role', a => listed(a.roles, 'nobody in the last year')],
  ['apps and systems', a => listed([...a.apps, ...a.systems], 'none')],
  ['recipients elsewhere', a => listed(a.recipients, 'none named')],
  ['transfers to other countries', a => listed(a.transfers, 'none named')],
  ['consents end', a => (a.until ? `at the latest on ${a.until}` : '')],
  ['copies are kept', a => or(a.retention)],
  ['last year', a => `${a.lastYear.openings} openings, ${a.lastYear.writes} writes, ${a.lastYear.refusals} refusals`],
]

/** For people and authorities, as lines. */
export function registerText(r: Register, word: Word): string[] {
  const who = ({ name, address, contact }: Register['controller']): string => [or(name), address, contact].filter(Boolean).join(', ')
  return [
    `Record of processing activities (GDPR 30), made ${r.made}`,
    `Controller: ${who(r.controller)}`,
    ...r.jointControllers.map(c => `Joint controller: ${who(c)}`),
    ...(r.representative ? [`Representative: ${who(r.representative)}`] : []),
    `Data protection officer: ${r.dataProtectionOfficer ? who(r.dataProtectionOfficer) : 'none'}`,
    ...r.activities.flatMap(a => ['', ...columns(word).map(([title, of], i) => `${i ? '  ' : ''}${title}: ${of(a)}`)]),
    '',
    'Kept for the organisation’s own duties',
    ...r.own.map(k => `  ${k.what} (of ${k.of}): ${k.count}, ${k.until}`),
    '',
    'Technical and organisational measures (GDPR 32)',
    ...r.measures.map(m => `  ${m}`),
    ...(r.missing.length ? ['', `Not filled in yet: ${r.missing.join('; ')}.`] : []),
  ]
}

/** Spreadsheets run what begins so. */
const cell = (text: string): string => `"${(/^[=+\-@\t\r]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`

/** One line for each purpose. */
export const registerCsv = (r: Register, word: Word): string =>
  [columns(word).map(([title]) => title), ...r.activities.map(a => columns(word).map(([, of]) => of(a)))]
    .map(row => row.map(cell).join(','))
    .join('\r\n')
    .concat('\r\n')
