import { toHex } from '@keepwell/sdk/base/bytes'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import type { Affected, Answer, Question } from './affected.ts'
import type { Book, Keeper, Line } from './register.ts'

/** Who is told of a breach, by which law. */
export const NOTICES = ['authority', 'people', 'ftc', 'media'] as const
export type Notice = (typeof NOTICES)[number]

/** What is written down of an incident, step by step (GDPR 33(5)). Times in Unix seconds. */
export type Step =
  | { readonly step: 'open'; readonly case: string; readonly title: string; readonly aware: number }
  | { readonly step: 'note'; readonly case: string; readonly text: string }
  | { readonly step: 'affected'; readonly case: string; readonly question: Question; readonly answer: Answer }
  | { readonly step: 'told'; readonly case: string; readonly patients: readonly string[]; readonly unreached: readonly string[] }
  | { readonly step: 'sent'; readonly case: string; readonly notice: Notice; readonly sent: number }
  | { readonly step: 'close'; readonly case: string; readonly text: string }

export type Breach = {
  readonly id: string
  readonly title: string
  readonly aware: number
  /** Until when the authority is told (GDPR 33(1)), and people and the FTC (16 CFR 318.4(a)). */
  readonly due: { readonly authority: number; readonly people: number }
  readonly notes: readonly { readonly at: number; readonly by: string; readonly text: string }[]
  /** The newest answer to who is affected. */
  readonly found: { readonly at: number; readonly question: Question; readonly answer: Answer } | null
  /** Logical ids of patients who were told in the app. */
  readonly told: readonly string[]
  readonly sent: Readonly<Partial<Record<Notice, number>>>
  readonly closed: { readonly at: number; readonly text: string } | null
}

const HOUR = 3600
export const AUTHORITY_HOURS = 72
export const PEOPLE_DAYS = 60

export const breachOf = (line: Line<Step>): string => line.what.case

/** The incidents as their lines tell them, newest first. */
export function breachesIn(lines: readonly Line<Step>[]): Breach[] {
  const all = new Map<string, Breach>()
  for (const line of lines) {
    const before = all.get(line.what.case)
    const after = line.what.step === 'open' ? opened(line.what) : before && stepped(before, line)
    if (after) all.set(after.id, after)
  }
  return [...all.values()].toReversed()
}

const opened = ({ case: id, title, aware }: Extract<Step, { step: 'open' }>): Breach => ({
  ...{ id, title, aware, notes: [], found: null, told: [], sent: {}, closed: null },
  due: { authority: aware + AUTHORITY_HOURS * HOUR, people: aware + PEOPLE_DAYS * 24 * HOUR },
})

function stepped(b: Breach, { at, by, what }: Line<Step>): Breach {
  switch (what.step) {
    case 'note':
      return { ...b, notes: [...b.notes, { at, by, text: what.text }] }
    case 'affected':
      return { ...b, found: { at, question: what.question, answer: what.answer } }
    case 'told':
      return { ...b, told: [...new Set([...b.told, ...what.patients])] }
    case 'sent':
      return { ...b, sent: { ...b.sent, [what.notice]: what.sent } }
    case 'close':
      return { ...b, closed: { at, text: what.text } }
    default:
      return b
  }
}

/** The register of breaches as its keepers use it. All throw DENIED for a keeper without the right, and STORAGE_CORRUPT for an altered book. */
export type Breaches = {
  list(): Promise<readonly Breach[]>
  /** By the beginning of its id. Throws NOT_FOUND. */
  get(id: string): Promise<Breach>
  open(input: { readonly title: string; readonly aware: number }): Promise<Breach>
  /** Throws NOT_FOUND, BAD_INPUT for an incident that is closed. */
  step(id: string, step: Unplaced): Promise<Breach>
}

/** A step but opening, its case still to be said. */
export type Unplaced = Step extends infer S ? (S extends { readonly step: 'open' } ? never : Omit<S, 'case'>) : never

/** Roles whose people keep the register: those who may see the trail. */
export const KEEPERS: readonly string[] = ['auditor']

export function openBreaches(book: Book<Step>, keeper: Keeper, random: (length: number) => Uint8Array, clock: () => number): Breaches {
  ensure(KEEPERS.includes(keeper.role), 'DENIED', `The register of breaches is kept by people with the role ${KEEPERS.join(', ')}.`)
  const list = async () => breachesIn(await book.read())
  async function get(id: string): Promise<Breach> {
    const found = (await list()).filter(b => b.id.startsWith(id))
    if (found.length !== 1 || id.length < 2) throw new KeepwellError('NOT_FOUND', 'There is no such incident, or more than one.')
    return found[0]!
  }
  return {
    list,
    get,
    async open({ title, aware }) {
      ensure(title.trim() && title.length <= 500, 'BAD_INPUT', 'An incident has a title of at most 500 characters.')
      ensure(aware <= clock(), 'BAD_INPUT', 'Nobody can have become aware of it in the future.')
      const id = toHex(random(6))
      await book.write(keeper, { step: 'open', case: id, title: title.trim(), aware })
      return get(id)
    },
    async step(id, step) {
      const found = await get(id)
      ensure(!found.closed, 'BAD_INPUT', 'That incident is closed; open another.')
      await book.write(keeper, { ...step, case: found.id }, step.step === 'affected' ? 'export' : 'update')
      return get(found.id)
    },
  }
}

/** Everybody to be told: of whom it is certain, and of whom it cannot be ruled out. */
export const toBeTold = ({ found }: Breach): readonly Affected[] => (found ? [...found.answer.affected, ...found.answer.unsure] : [])
