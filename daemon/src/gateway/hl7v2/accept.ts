/** From bytes on the wire to an answer: read, judged, and on disk before it is acknowledged. */
import { isKeepwellError } from '@keepwell/sdk/base/error'
import { type Message, parseMessage } from '@keepwell/sdk/health/hl7v2/message'
import { identityOf } from '@keepwell/sdk/health/hl7v2/to-fhir'
import { type Answer, acknowledgement, type Complaint, type Heading, headingOf, headingOfMessage, wantsAnswer } from './ack.ts'
import type { Counters } from './counters.ts'
import type { Keep } from './keep.ts'
import type { Incoming, Spool, State } from './spool.ts'

export type Accepting = {
  readonly spool: Spool
  readonly keep: Keep
  /** Unix seconds. */
  readonly clock: () => number
  readonly random: (length: number) => Uint8Array
  readonly counters: Counters
  /** Messages that may wait; beyond that the sender is told to come back. */
  readonly maxWaiting: number
}

/** Messages that are about one patient and map to FHIR. */
const TYPES = new Set('ADT ORU OUL VXU MDM ORM OML OMG OMI SIU RDE RDS RAS RDO BAR DFT PPR REF'.split(' '))

const refused = (code: 'AE' | 'AR', ...complaints: readonly Complaint[]): Answer => ({ code, complaints })

/** What is wrong with a message that can be read; null when nothing is. */
function judged(message: Message): Answer | null {
  const { code, trigger } = message.type
  if (!code) return refused('AR', { code: '101', place: 'MSH^1^9', text: 'The message does not say what it is.' })
  if (!TYPES.has(code))
    return refused('AR', {
      code: '200',
      place: 'MSH^1^9',
      text: `Messages of type ${code}${trigger ? `^${trigger}` : ''} are not taken here.`,
    })
  if (!message.controlId) return refused('AR', { code: '101', place: 'MSH^1^10', text: 'The message has no control id.' })
  if (message.version && !/^2(\.\d+)*$/.test(message.version))
    return refused('AR', { code: '203', place: 'MSH^1^12', text: 'Only version 2 is spoken here.' })
  if (!message.segments.some(s => s.name === 'PID')) return refused('AE', { code: '100', text: 'The message has no PID segment.' })
  return null
}

type Judged = { readonly answer: Answer; readonly heading: Heading }

/** Takes one message. Never throws. @returns the acknowledgement to send, or null when the sender wants none. */
export async function accept(a: Accepting, bytes: Uint8Array): Promise<Uint8Array | null> {
  const { answer, heading } = await take(a, bytes)
  a.counters.answered(answer.code)
  if (!wantsAnswer(heading, answer)) return null
  return acknowledgement({ heading, answer, at: a.clock(), id: Buffer.from(a.random(9)).toString('base64url') })
}

async function take(a: Accepting, bytes: Uint8Array): Promise<Judged> {
  try {
    const message = parseMessage(bytes)
    const heading = headingOfMessage(message)
    const wrong = judged(message)
    if (wrong) return { heading, answer: await setAside(a, bytes, message, wrong) }
    return { heading, answer: await queue(a, bytes, message, 'waiting', '') }
  } catch (e) {
    const heading = headingOf(bytes)
    const why = isKeepwellError(e) ? e.message : 'The message could not be read.'
    return {
      heading,
      answer: await setAside(a, bytes, null, refused('AR', { code: isKeepwellError(e, 'TOO_LARGE') ? '207' : '100', text: why })),
    }
  }
}

/** Refused, and kept all the same, so that a person can see what came. */
async function setAside(a: Accepting, bytes: Uint8Array, message: Message | null, answer: Answer): Promise<Answer> {
  const stored = await queue(a, bytes, message, 'quarantined', answer.complaints?.[0]?.code ?? 'refused')
  return stored.code === 'AA' ? answer : stored
}

/** MSH-9 as a list may show it. */
const typeOf = (message: Message | null): string => (message ? [message.type.code, message.type.trigger].filter(Boolean).join('^') : '')

async function queue(a: Accepting, bytes: Uint8Array, message: Message | null, state: State, reason: string): Promise<Answer> {
  const { keep, spool, counters } = a
  if (counters.waiting() >= a.maxWaiting) return refused('AE', { code: '207', text: 'Too many messages wait here; send it again later.' })
  const { patient: ids } = message ? identityOf(message) : { patient: [] }
  const identifiers = ids.map(id => keep.mark('identifier', id))
  const patient = identifiers.map(i => spool.patientOf(i)).find(p => p !== null) ?? ''
  const mark = keep.mark('message', bytes)
  // One line for each patient: by the gateway's own id where it is known, else by the first number that the sender gives.
  const line = keep.mark('line', patient || ids[0] || (message?.controlId ?? ''))
  const row: Incoming = {
    line,
    mark,
    patient,
    state,
    reason,
    at: a.clock(),
    type: typeOf(message),
    sealed: await keep.seal(mark, bytes),
    identifiers,
  }
  const held =
    state === 'waiting' && !patient ? { ...row, state: 'held' as const, reason: ids.length ? 'unknown-patient' : 'no-identifier' } : row
  try {
    const fresh = await spool.add(held)
    counters.stored(fresh ? held.state : 'again')
    return { code: 'AA' }
  } catch (e) {
    return refused('AE', {
      code: '207',
      text: isKeepwellError(e, 'STORAGE_FULL') ? 'The disk is full; nothing was kept.' : 'It could not be stored; nothing was kept.',
    })
  }
}
