/** Acknowledgements (2.9, 2.14): MSA with its code, and ERR that says where and why. */
import { latin1 } from '@keepwell/sdk/health/hl7v2/charset'
import type { Message } from '@keepwell/sdk/health/hl7v2/message'

/** Table 0357. */
const ERRORS = {
  '100': 'Segment sequence error',
  '101': 'Required field missing',
  '102': 'Data type error',
  '103': 'Table value not found',
  '200': 'Unsupported message type',
  '202': 'Unsupported processing id',
  '203': 'Unsupported version id',
  '207': 'Application internal error',
} as const

export type Complaint = {
  readonly code: keyof typeof ERRORS
  /** ERR-2, as `PID^1^3`; absent where the whole message is meant. */
  readonly place?: string
  /** For a person; never a value of the message. */
  readonly text: string
}

/** AA: it is ours now. AE: not taken, try again or ask. AR: will never be taken as it is. */
export type Answer = { readonly code: 'AA' | 'AE' | 'AR'; readonly complaints?: readonly Complaint[] }

/** The header of a message as far as it can be made out, for an answer to one that cannot be read. */
export type Heading = { readonly marks: Message['marks']; readonly fields: readonly string[] }

const MARKS = { field: '|', component: '^', repetition: '~', escape: '\\', sub: '&' }

export function headingOf(bytes: Uint8Array): Heading {
  const line =
    latin1(bytes.subarray(0, 4096))
      .replace(/^\s+/, '')
      .split(/[\r\n]/, 1)[0] ?? ''
  if (!line.startsWith('MSH|^~\\&')) return { marks: MARKS, fields: [] }
  const [name = '', ...rest] = line.split('|')
  return { marks: MARKS, fields: [name, '|', ...rest] }
}

export const headingOfMessage = ({ marks, segments }: Message): Heading => ({ marks, fields: segments[0]?.fields ?? [] })

/** Whether the sender asked for accept acknowledgements only (MSH-15 set, MSH-16 not): then the codes are CA, CE and CR. */
const commits = ({ fields }: Heading): boolean => !!fields[15]?.trim() && (!fields[16]?.trim() || fields[16] === 'NE')

/** MSH-15 may ask for silence: NE never, ER only for errors, SU only for success (table 0155). */
export function wantsAnswer(heading: Heading, { code }: Answer): boolean {
  if (!commits(heading)) return true
  const wish = heading.fields[15]
  return wish === 'NE' ? false : wish === 'ER' ? code !== 'AA' : wish === 'SU' ? code === 'AA' : true
}

const two = (n: number): string => String(n).padStart(2, '0')
/** Unix seconds as an HL7 time in UTC. */
export function hl7Time(at: number): string {
  const d = new Date(at * 1000)
  return `${d.getUTCFullYear()}${two(d.getUTCMonth() + 1)}${two(d.getUTCDate())}${two(d.getUTCHours())}${two(d.getUTCMinutes())}${two(d.getUTCSeconds())}+0000`
}

export type AckInput = { readonly heading: Heading; readonly answer: Answer /** Unix seconds. */; readonly at: number; readonly id: string }

/** The answer, in the sender's own separators, so that what it says of itself comes back as it was written. */
export function acknowledgement({ heading, answer, at, id }: AckInput): Uint8Array {
  const { marks, fields } = heading
  const f = marks.field
  const own = (n: number): string => fields[n] ?? ''
  const trigger = own(9).split(marks.component)[1] ?? ''
  const code = commits(heading) ? answer.code.replace('A', 'C') : answer.code
  const encoding = marks.component + marks.repetition + marks.escape + marks.sub
  const echoed = [own(5), own(6), own(3), own(4), own(10)].join('')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is meant
  const charset = /[^\x00-\x7f]/.test(echoed) ? 'UNICODE UTF-8' : ''
  const type = ['ACK', trigger, 'ACK'].filter(Boolean).join(marks.component)
  const header = [
    'MSH',
    encoding,
    own(5),
    own(6),
    own(3),
    own(4),
    hl7Time(at),
    '',
    type,
    id,
    own(11) || 'P',
    own(12) || '2.5.1',
    '',
    '',
    '',
    '',
    '',
    charset,
  ]
  const told = header.findLastIndex(value => value !== '') + 1
  const segments = [header.slice(0, told).join(f), ['MSA', code, own(10)].join(f)]
  for (const c of answer.complaints ?? []) {
    const why = [c.code, ERRORS[c.code], 'HL70357'].join(marks.component)
    segments.push(['ERR', '', (c.place ?? '').replaceAll('^', marks.component), why, 'E', '', '', '', c.text].join(f))
  }
  return new TextEncoder().encode(`${segments.join('\r')}\r`)
}
