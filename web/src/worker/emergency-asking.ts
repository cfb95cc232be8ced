import { openCustodians } from '@keepwell/adapters/custodian/http'
import { credentialState } from '@keepwell/sdk/actions/access/check-credential'
import { keepCredential, ownCredentials } from '@keepwell/sdk/actions/access/own-credentials'
import {
  approveEmergency,
  askEmergency,
  askedBefore,
  askedUnder,
  emergencyStatus,
  openEmergency,
  type Told,
} from '@keepwell/sdk/actions/emergency/ask'
import { homeLedger } from '@keepwell/sdk/actions/vault/calls'
import { fromHex, toHex } from '@keepwell/sdk/base/bytes'
import { ensure } from '@keepwell/sdk/base/error'
import { facts } from '@keepwell/sdk/health/fhir/facts'
import { particularsOf } from '@keepwell/sdk/health/fhir/particulars'
import { isObject, type JsonObject, list, resourceTypeOf, string } from '@keepwell/sdk/health/fhir/read'
import { readCredential } from '@keepwell/sdk/identity/credential'
import { readCard, readPreauthorisation } from '@keepwell/sdk/identity/emergency'
import type { EmergencyRequest } from '@keepwell/sdk/ports/ledger'
import type { SessionOver } from '#rpc/clinician.ts'
import type { Answering, AnsweringSoFar, AskedView, CardRead, EmergencyReading, OwnCredential, SummarySection } from '#rpc/emergency.ts'
import type { Call } from '#rpc/rpc.ts'
import { plainly } from './emergency.ts'
import { pause } from './platform.ts'
import { type OpenReading, readEmergency } from './session.ts'
import type { OpenVault } from './vault.ts'

export type UnderCard = { readonly card: string; readonly tag: string }

/** Needs no network: the words are on the card, and so is what their signature is checked with. */
export function readEmergencyCard(given: string): CardRead {
  const { card, summary, vouched } = readCard(given)
  const { delay, window, persons } = card.rules
  return { words: summary, vouched, custodians: card.custodians.length, delay, window, persons }
}

const askedView = (tag: Uint8Array, found: EmergencyRequest | null): AskedView => ({
  tag: toHex(tag),
  state: found?.state ?? 'unknown',
  opensAt: found?.opensAt ?? null,
  closesAt: found?.closesAt ?? null,
  alone: found?.state === 'waiting' && found.opensAt === null,
})

export type Asking = { readonly card: string; readonly reason: string; readonly word: string }

export const ask = (vault: OpenVault, { card: given, reason, word }: Asking): Promise<AskedView> =>
  vault
    .run(async ctx => {
      const { card } = readCard(given)
      const spared = word.trim() ? { preauthorisation: readPreauthorisation(word) } : {}
      const { tag } = await askEmergency(ctx, { card, reason, ...spared })
      return askedView(tag, await emergencyStatus(ctx, card, tag))
    })
    .catch(plainly)

/** What was asked with this card and still waits or is open. */
export async function askedWith({ ctx }: OpenVault, given: string): Promise<AskedView[]> {
  return (await askedUnder(ctx, readCard(given).card)).map(({ asked, request }) => askedView(asked.tag, request))
}

export async function status({ ctx }: OpenVault, { card, tag }: UnderCard): Promise<AskedView> {
  const bytes = fromHex(tag)
  return askedView(bytes, await emergencyStatus(ctx, readCard(card).card, bytes))
}

/** The second person's word, for a request that was made under the card that this person holds as well. */
export async function approve({ ctx }: OpenVault, { card: given, tag }: UnderCard): Promise<void> {
  ensure(/^[0-9a-f]{64}$/.test(tag), 'BAD_INPUT', 'The code of a request has 64 digits and letters.')
  const { card } = readCard(given)
  const bytes = fromHex(tag)
  const found = await emergencyStatus(ctx, card, bytes)
  ensure(found?.rules.veto === card.rules.veto, 'NOT_FOUND', 'There is no request of that code under this card.')
  await approveEmergency(ctx, { tag: bytes, relays: card.relays }).catch(plainly)
}

/** Who vouches for this professional, by the ledger of their own home. */
export async function credentials({ ctx }: OpenVault): Promise<OwnCredential[]> {
  const own = ownCredentials(ctx)
  const ledger = own.length ? await homeLedger(ctx).catch(() => null) : null
  const { did } = ctx.session.state.ring
  return Promise.all(
    own.map(async c => ({
      ...{ name: c.name, role: c.role, until: c.expiry },
      state: ledger ? await credentialState(ledger, c, did).catch(() => 'unknown' as const) : ('unknown' as const),
    })),
  )
}

export const addCredential = (vault: OpenVault, given: string): Promise<void> =>
  vault.run(ctx => keepCredential(ctx, readCredential(given.trim())))

const SUMMARY = 'Emergency summary'
/** Seconds between two looks whether the patient objected. */
const LOOK = 5

type Opened = { readonly reading: OpenReading; readonly view: EmergencyReading }

/** Gathers shares, opens the compartment and its newest summary. The session ends with the window, and when the patient objects. */
export async function open(vault: OpenVault, { card: given, tag }: UnderCard, call: Call, over: (o: SessionOver) => void): Promise<Opened> {
  const { card, summary } = readCard(given)
  const { ctx } = vault
  const answers: Answering[] = []
  const heard = ({ url, state }: Told): void => {
    answers.push({ url, state })
    call.progress({ of: card.custodians.length, answers: [...answers] } satisfies AnsweringSoFar)
  }
  const opened = await openEmergency({ ...ctx, custodians: openCustodians() }, { card, asked: askedBefore(ctx, tag), heard }).catch(plainly)
  const { reading, ended } = readEmergency(vault, {
    session: opened.session,
    id: tag,
    name: /^EMERGENCY CARD: ([^,\n]+)/.exec(summary)?.[1] ?? '',
    until: opened.closesAt,
    over,
  })
  void watch(vault, { card: given, tag }, reading, ended)
  const newest = opened.session.records.filter(r => r.card.title === SUMMARY).toSorted((a, b) => b.seq - a.seq)[0]
  const whole = newest ? await reading.record(toHex(newest.id)) : null
  const all = reading.find({})
  const rows = reading.window(all.token, 0, all.items).filter(r => r.id !== (newest ? toHex(newest.id) : ''))
  return {
    reading,
    view: {
      session: reading.view(),
      answers: [...answers],
      sections: whole?.content.kind === 'fhir' ? sectionsOf(whole.content.resource) : [],
      madeAt: whole ? whole.from.signedAt : null,
      rows,
    },
  }
}

async function watch(vault: OpenVault, under: UnderCard, reading: OpenReading, ended: AbortSignal): Promise<void> {
  while (!ended.aborted) {
    await pause(LOOK * 1000, ended)
    const now = await status(vault, under).catch(() => null)
    if (now?.state === 'vetoed') reading.end('vetoed')
  }
}

/** A patient summary by its sections, each entry by name with what it says beyond that. Reads what foreign systems wrote as well. */
export function sectionsOf(bundle: JsonObject): SummarySection[] {
  const entries = list(bundle.entry).flatMap(e =>
    isObject(e) && isObject(e.resource) ? [[string(e.fullUrl) ?? '', e.resource] as const] : [],
  )
  const byUrl = new Map(entries)
  const composition = entries.map(([, r]) => r).find(r => resourceTypeOf(r) === 'Composition') ?? {}
  return list(composition.section).flatMap(section => {
    if (!isObject(section)) return []
    const lines = list(section.entry).flatMap(e => {
      const found = isObject(e) ? byUrl.get(string(e.reference) ?? '') : undefined
      return found ? [lineOf(found)] : []
    })
    return [{ title: string(section.title) ?? '', lines }]
  })
}

const NOTED = new Set(['dosage', 'reaction', 'criticality'])

function lineOf(resource: JsonObject): SummarySection['lines'][number] {
  const { title, dates, status: state } = facts(resource)
  const said = particularsOf(resource).flatMap(p => (NOTED.has(p.name) ? [p.text] : []))
  return { text: title, note: [...said, state, dates.start?.slice(0, 10)].filter(Boolean).join(' · ') }
}
