import { toHex } from '@keepwell/sdk/base/bytes'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import type { Did } from '@keepwell/sdk/identity/did'
import { KEEPERS } from './breaches.ts'
import type { Book, Keeper, Line } from './register.ts'

/** What is written down of a legal hold. Times in Unix seconds. */
export type HoldStep =
  | {
      readonly step: 'place'
      readonly hold: string
      readonly patient: string
      readonly did: Did
      readonly reason: string
      readonly law: string
      readonly until: number | null
    }
  | { readonly step: 'lift'; readonly hold: string }
  | { readonly step: 'told'; readonly hold: string; readonly reached: boolean }

/** What the organisation keeps of a patient must not be deleted, until it is lifted or its end has come. */
export type Hold = {
  readonly id: string
  /** Logical id of the patient. */
  readonly patient: string
  readonly did: Did
  readonly reason: string
  readonly law: string
  readonly since: number
  readonly until: number | null
  readonly lifted: number | null
  /** Whether the patient was told of what is so now. */
  readonly told: boolean
}

export function holdsIn(lines: readonly Line<HoldStep>[]): Hold[] {
  const all = new Map<string, Hold>()
  for (const { at, what } of lines) {
    const before = all.get(what.hold)
    if (what.step === 'place') {
      const { hold: id, patient, did, reason, law, until } = what
      all.set(id, { id, patient, did, reason, law, until, since: at, lifted: null, told: false })
    } else if (before && what.step === 'lift') all.set(before.id, { ...before, lifted: at, told: false })
    else if (before && what.step === 'told') all.set(before.id, { ...before, told: what.reached })
  }
  return [...all.values()]
}

export const inForce = (h: Hold, now: number): boolean => h.lifted === null && (h.until === null || h.until > now)

/** Of whom nothing may be deleted now: logical ids. */
export const heldPatients = (lines: readonly Line<HoldStep>[], now: number): ReadonlySet<string> =>
  new Set(holdsIn(lines).flatMap(h => (inForce(h, now) ? [h.patient] : [])))

export type Placing = Pick<Hold, 'patient' | 'did' | 'reason' | 'law' | 'until'>

export type Holds = {
  list(): Promise<readonly Hold[]>
  place(hold: Placing): Promise<Hold>
  /** Throws NOT_FOUND, BAD_INPUT for one that is over. */
  lift(id: string): Promise<Hold>
  /** Writes down whether the patient could be told. */
  told(id: string, reached: boolean): Promise<void>
}

/** Throws DENIED for a keeper without the right. */
export function openHolds(book: Book<HoldStep>, keeper: Keeper, random: (length: number) => Uint8Array, clock: () => number): Holds {
  ensure(KEEPERS.includes(keeper.role), 'DENIED', `Legal holds are placed and lifted by people with the role ${KEEPERS.join(', ')}.`)
  const list = async () => holdsIn(await book.read())
  async function get(id: string): Promise<Hold> {
    const found = (await list()).filter(h => h.id.startsWith(id))
    if (found.length !== 1 || id.length < 2) throw new KeepwellError('NOT_FOUND', 'There is no such hold, or more than one.')
    return found[0]!
  }
  return {
    list,
    async place(hold) {
      ensure(
        hold.reason.trim() && hold.reason.length <= 4000,
        'BAD_INPUT',
        'A hold has a reason, of at most 4,000 characters, which the patient sees.',
      )
      ensure(hold.law.length <= 200, 'BAD_INPUT', 'The law is named in at most 200 characters.')
      ensure(hold.until === null || hold.until > clock(), 'BAD_INPUT', 'The hold would be over already.')
      const id = toHex(random(6))
      await book.write(keeper, { step: 'place', hold: id, ...hold })
      return get(id)
    },
    async lift(id) {
      const found = await get(id)
      ensure(inForce(found, clock()), 'BAD_INPUT', 'That hold is over already.')
      await book.write(keeper, { step: 'lift', hold: found.id })
      return get(found.id)
    },
    async told(id, reached) {
      await book.write(keeper, { step: 'told', hold: id, reached })
    },
  }
}
