import type { Ctx } from '#actions/context'
import { type Keeping, type Reading, sealedMark } from '#actions/sealed-mark'
import { equal, toHex } from '#base/bytes'
import { KeepwellError } from '#base/error'
import { bytes, dictionary, type Infer, int, list, nullable, object, optional, string } from '#base/shape'
import { missing } from './missing.ts'

const address = string(2000)

export const authServerShape = object({
  issuer: nullable(address),
  authorize: address,
  token: address,
  register: nullable(address),
  revoke: nullable(address),
})

const connectionShape = object({
  id: bytes(8),
  /** What the person calls it. */
  label: string(120),
  /** The FHIR server, without a slash at its end. */
  base: address,
  server: authServerShape,
  client: string(500),
  redirect: address,
  /** What was granted. */
  scope: string(8000),
  patient: string(200),
  access: string(32_768),
  /** Unix seconds; null: not said. */
  accessUntil: nullable(int()),
  refresh: nullable(string(32_768)),
  connectedAt: int(),
})
/** A hospital's FHIR server, and the login to it that this device holds. */
export type Connection = Infer<typeof connectionShape>

const MAX = 100
const kept = sealedMark<readonly Connection[]>('connections', list(connectionShape, MAX), [])

export const connections = (ctx: Reading): Promise<readonly Connection[]> => kept.read(ctx)

/** Keeps a connection, sealed on this device; one of the same id is replaced. */
export async function keepConnection(ctx: Keeping, connection: Connection): Promise<void> {
  const before = await kept.read(ctx)
  const others = before.filter(c => !equal(c.id, connection.id))
  if (others.length >= MAX) throw new KeepwellError('TOO_LARGE', `There are ${MAX} connections already; remove one first.`)
  await kept.write(ctx, [...others, connection])
}

const ask = object({
  /** Asked again from here: FHIR instant of the server's own clock; null: from the beginning. */
  since: nullable(string(60)),
  /** What `since` becomes when the last page is in. */
  until: nullable(string(60)),
  /** The page to go on with. */
  next: nullable(string(8000)),
  /** Of this round: what the server said there is, and what came. */
  total: nullable(int()),
  got: int(),
})
export type AskState = Infer<typeof ask>

const course = object({
  /** Which of the type's ways the server takes, and how many of the optional parameters it does not. */
  way: int(0, 10),
  lean: int(0, 2),
  asks: dictionary(ask, 40),
})
export type CourseState = Infer<typeof course>

const paper = object({
  type: string(64),
  url: string(2000),
  contentType: optional(string(200)),
  title: optional(string(300)),
  date: optional(string(40)),
  codes: list(object({ system: optional(string(2000)), code: string(2000), display: optional(string(2000)) }), 4),
  state: string(2000),
})
export type Paper = Infer<typeof paper>

export const MAX_READ = 50_000
export const MAX_PAPERS = 20_000
export const MAX_MISSING = 300

const progressShape = object({
  courses: dictionary(course, 100),
  /** `Type/id` still to be read, and read. */
  waiting: list(string(200), MAX_READ),
  read: list(string(200), MAX_READ),
  /** Documents still to be fetched, and those that were: 8 bytes of a hash of where they lie and in which state. */
  papers: list(paper, MAX_PAPERS),
  documents: list(bytes(8), MAX_READ),
  /** When a pull went through to its end; null: none did yet. */
  pulledAt: nullable(int()),
  /** What the last pull could not have. */
  missing: list(missing, MAX_MISSING),
  /** What earlier pulls could not have, and later ones do not ask for again. */
  lost: list(missing, MAX_MISSING),
})
/** How far a connection has come. */
export type PullState = Infer<typeof progressShape>

export const NOTHING_PULLED: PullState = {
  courses: {},
  waiting: [],
  read: [],
  papers: [],
  documents: [],
  pulledAt: null,
  missing: [],
  lost: [],
}
const progressOf = (id: Uint8Array) => sealedMark<PullState>(`connection-${toHex(id)}`, progressShape, NOTHING_PULLED)

export const pullState = (ctx: Reading, id: Uint8Array): Promise<PullState> => progressOf(id).read(ctx)
export const keepPullState = (ctx: Keeping, id: Uint8Array, state: PullState): Promise<void> => progressOf(id).write(ctx, state)

/** Forgets login and progress. What was pulled stays in the record. */
export async function forgetConnection(ctx: Keeping & Pick<Ctx, 'catalog'>, id: Uint8Array): Promise<void> {
  await kept.write(
    ctx,
    (await kept.read(ctx)).filter(c => !equal(c.id, id)),
  )
  await progressOf(id).write(ctx, NOTHING_PULLED)
}
