import type { Ctx } from '#actions/context'
import { readU64, toHex, utf8 } from '#base/bytes'
import { encode } from '#base/cbor'
import { bytes, decodeAs, type Infer, int, nullable, object, optional, type Shape, string } from '#base/shape'
import { sha256 } from '#crypto/hash'
import type { Keyring } from '#identity/keyring'
import { changeRing } from './change-ring.ts'
import type { CopyReport } from './check-copies.ts'

type Noting = Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>

const PLACE = 200
/** Which of the vault's devices did it, when (Unix seconds), and where it lies. A mark of the keyring has 1,024 bytes. */
const done = { at: int(), device: bytes(16), place: string(PLACE) }

const made = object({ ...done, records: int(), size: int() })
/** `of` is when the backup that was read back had been made. */
const tested = object({ ...done, of: int(), records: int() })
const drilled = object({ ...done, records: int(), missing: int(), seconds: int() })
/** `of` blocks should be there, `asked` of them were fetched and hashed; `problem` is a code when the place did not answer. */
const copied = object({
  ...done,
  of: int(),
  asked: int(),
  repaired: int(),
  lost: int(),
  /** Not there as when it is none: earlier versions know no such member. */
  unmended: optional(int(1)),
  problem: nullable(string(40)),
})
/** The owner's word that a place may have copies although nothing can be deleted there, and what a GiB may cost, in the place's smallest unit. */
const agreed = object({ ...done, most: string(30, /^\d+$/) })
/** 0 days: never. */
const remind = object({ days: int(0, 3650), at: int() })

export type BackupNote = Infer<typeof made>
export type TestNote = Infer<typeof tested>
export type DrillNote = Infer<typeof drilled>
export type CopyNote = Infer<typeof copied>
export type AgreedNote = Infer<typeof agreed>

/** What the vault's devices, the agent among them, say of how the record is kept. */
export type Safekeeping = {
  readonly made: BackupNote | null
  readonly tested: TestNote | null
  readonly drilled: DrillNote | null
  readonly copies: readonly CopyNote[]
  /** Places that never forget, to which the owner agreed. */
  readonly agreed: readonly AgreedNote[]
  /** After so many days without a backup the person wants to hear of it; 0: never. */
  readonly remindDays: number
  /** Whether that many days are over. */
  readonly due: boolean
}

const MADE = 'backup'
const TESTED = 'backup-tested'
const DRILLED = 'backup-drilled'
const COPIES = 'copies/'
const AGREED = 'copies-for-ever/'
const REMIND = 'backup-remind'

/** For whoever has made a backup and has said nothing else. */
const REMIND_DAYS = 90
const DAY = 86_400

/** What lies in the keyring: written by a device of this vault, and sealed to its devices alone. */
export function safekeepingOf({ marks }: Keyring, now: number): Safekeeping {
  const read = <T>(name: string, shape: Shape<T>): T | null => (marks[name] ? decodeAs(shape, marks[name]) : null)
  const all = <T>(prefix: string, shape: Shape<T>): T[] =>
    Object.entries(marks).flatMap(([name, mark]) => (name.startsWith(prefix) ? [decodeAs(shape, mark)] : []))
  const backup = oldMark(marks[MADE]) ?? read(MADE, made)
  const set = read(REMIND, remind)
  const remindDays = set?.days ?? REMIND_DAYS
  const since = Math.max(backup?.at ?? 0, set?.at ?? 0)
  return {
    made: backup,
    tested: read(TESTED, tested),
    drilled: read(DRILLED, drilled),
    copies: all(COPIES, copied),
    agreed: all(AGREED, agreed),
    remindDays,
    due: remindDays > 0 && since > 0 && now - since > remindDays * DAY,
  }
}

/** Earlier versions wrote the time alone. */
const oldMark = (mark: Uint8Array | undefined): BackupNote | null =>
  mark?.length === 8 ? { at: readU64(mark), device: new Uint8Array(16), place: '', records: 0, size: 0 } : null

type Place = { readonly place: string }
const by = ({ clock, session }: Noting, { place }: Place) => ({
  at: clock(),
  device: session.device.id,
  place: [...place].slice(-PLACE / 2).join(''),
})

async function note(ctx: Noting, marks: Readonly<Record<string, Uint8Array>>, old = (_: string) => false): Promise<void> {
  await changeRing(ctx, ring => ({
    ...ring,
    marks: { ...Object.fromEntries(Object.entries(ring.marks).filter(([name]) => !old(name))), ...marks },
  }))
}

/** A backup was made and read back whole. */
export const noteBackup = (ctx: Noting, input: Place & Pick<BackupNote, 'records' | 'size'>): Promise<void> =>
  note(ctx, { [MADE]: encode({ ...by(ctx, input), records: input.records, size: input.size } satisfies BackupNote) })

/** An older backup was read back as a restore would. */
export const noteTest = (ctx: Noting, input: Place & Pick<TestNote, 'of' | 'records'>): Promise<void> =>
  note(ctx, { [TESTED]: encode({ ...by(ctx, input), of: input.of, records: input.records } satisfies TestNote) })

/** A restore was rehearsed in an empty home; `seconds` until all could be read. */
export const noteDrill = (ctx: Noting, input: Place & Pick<DrillNote, 'records' | 'missing' | 'seconds'>): Promise<void> => {
  const { records, missing, seconds } = input
  return note(ctx, { [DRILLED]: encode({ ...by(ctx, input), records, missing, seconds: Math.ceil(seconds) } satisfies DrillNote) })
}

const nameFor = (prefix: string, { place }: Place): string => prefix + toHex(sha256(utf8(place)).subarray(0, 8))

/** The owner was told what it means that a place never forgets, and what a GiB costs there, and agreed. Throws BAD_INPUT. */
export async function agreeToKeep(ctx: Noting, { place, most }: Place & Pick<AgreedNote, 'most'>): Promise<void> {
  const value = agreed.check({ ...by(ctx, { place }), most }, 'agreement')
  await note(ctx, { [nameFor(AGREED, { place })]: encode(value) })
}

/** Copies were asked for; places that are no longer among them are forgotten. */
export const noteCopies = (ctx: Noting, reports: readonly CopyReport[]): Promise<void> => {
  const marks = reports.map((r): [string, Uint8Array] => {
    const { of, asked, repaired, lost, unmended, failed = null } = r
    const value: CopyNote = { ...by(ctx, r), of, asked, repaired, lost, ...(unmended ? { unmended } : {}), problem: failed }
    return [nameFor(COPIES, r), encode(value)]
  })
  return note(ctx, Object.fromEntries(marks), name => name.startsWith(COPIES))
}

/** When to be reminded of a backup: after so many days from now or from the last one; 0 for never. Throws BAD_INPUT. */
export async function remindOfBackup(ctx: Noting, days: number): Promise<void> {
  const value = remind.check({ days, at: ctx.clock() }, 'reminder')
  await note(ctx, { [REMIND]: encode(value) })
}
