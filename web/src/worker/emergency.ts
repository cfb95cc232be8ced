import { openCustodians } from '@keepwell/adapters/custodian/http'
import { drillCustodians, openingOf, reviewOpening, vetoOpening } from '@keepwell/sdk/actions/emergency/answer'
import { sharedHosts } from '@keepwell/sdk/actions/emergency/apart'
import {
  emergencyOf,
  emergencyOwed,
  endEmergency,
  keepEmergencyCurrent,
  notePrinted,
  ownCard,
  replaceEmergency,
  setUpEmergency,
} from '@keepwell/sdk/actions/emergency/set-up'
import { emergencySummary } from '@keepwell/sdk/actions/emergency/summary'
import { homeLedger } from '@keepwell/sdk/actions/vault/calls'
import { equal, toHex } from '@keepwell/sdk/base/bytes'
import { isKeepwellError } from '@keepwell/sdk/base/error'
import type { EmergencyState, Opening } from '@keepwell/sdk/identity/emergency'
import type { WakeDevice } from '@keepwell/sdk/identity/wake'
import type { Ledger } from '@keepwell/sdk/ports/ledger'
import type {
  DrillView,
  EmergencyDone,
  EmergencySet,
  EmergencyView,
  EmergencyWaiting,
  NewEmergency,
  OpeningView,
  SummaryNow,
} from '#rpc/emergency.ts'
import { RemoteError } from '#rpc/rpc.ts'
import type { ContactView } from '#rpc/views.ts'
import { naming } from './entries.ts'
import { contacts } from './people.ts'
import type { OpenVault } from './vault.ts'

/** How long somebody's emergency is said above every screen; a request is open no longer. */
const DAY = 86_400

/** The contract's own reasons, as codes that the page has words for. */
const REFUSED = new Set(['NotCredentialed', 'Barred', 'TooMany', 'NotSecond', 'NotWaiting', 'PreauthorisationOver'])

/** Errors whose words in this app are about something else are told by codes of their own. */
export function plainly(error: unknown): never {
  if (!isKeepwellError(error)) throw error
  const reason = /refused: (\w+)/.exec(error.message)?.[1] ?? ''
  if (error.code === 'LEDGER_REFUSED' && REFUSED.has(reason)) throw new RemoteError(`EMERGENCY_${reason}`, error.message)
  const other = { NOT_SUPPORTED: 'EMERGENCY_UNSUPPORTED', UNAUTHENTICATED: 'EMERGENCY_NotCredentialed', DENIED: 'EMERGENCY_DENIED' }
  const code = Object.entries(other).find(([name]) => name === error.code)?.[1]
  throw code ? new RemoteError(code, error.message) : error
}

const reaching = <C extends object>(ctx: C) => ({ ...ctx, custodians: openCustodians() })

const setView = ({ version, at, commitment, custodians, contacts, rules, summary }: EmergencyState): EmergencySet => ({
  version,
  at,
  threshold: commitment.threshold,
  custodians: custodians.map(({ did, name, url, drilledAt }) => ({ did, name, url, drilledAt })),
  contacts,
  delay: rules.delay,
  window: rules.window,
  persons: rules.persons,
  words: summary?.text ?? '',
})

export async function emergency(vault: OpenVault): Promise<EmergencyView> {
  const { emergency: state, openings = [] } = vault.ctx.session.state.ring
  return {
    set: state ? setView(state) : null,
    owed: emergencyOwed(vault.ctx),
    openings: await openingViews(vault, openings),
  }
}

/**
 * Asks the ledger only when somebody asked and was not answered. `endpoint` is where this browser is woken: a device that its browser dropped
 * says so itself, before a custodian meets it.
 */
export async function emergencyWaiting(vault: OpenVault, endpoint: string | null): Promise<EmergencyWaiting> {
  const { device, state } = vault.ctx.session
  const { openings = [], wakes, bell } = state.ring
  const here = (id?: Uint8Array): boolean => id !== undefined && equal(id, device.id)
  const dropped = (d: { readonly device?: Uint8Array; readonly wake: WakeDevice }): boolean =>
    here(d.device) && d.wake.endpoint !== endpoint
  const lost = [...(wakes?.devices ?? []).filter(d => d.gone || dropped(d)), ...(bell?.devices ?? []).filter(dropped)]
  const asleep = [...new Set(lost.map(d => d.name))]
  const views = await openingViews(
    vault,
    openings.filter(o => !o.review),
  )
  const names = naming(vault.ctx.session.state.ring)
  const lately = (bell?.heard ?? []).filter(h => h.at > vault.ctx.clock() - DAY)
  const concerns = lately.map(({ id, of, name, role, at }) => ({ id: toHex(id), of: names.party(of), name, role, at }))
  return { owed: emergencyOwed(vault.ctx), openings: views.filter(o => !o.reviewed), asleep, concerns }
}

async function openingViews({ ctx }: OpenVault, openings: readonly Opening[]): Promise<OpeningView[]> {
  if (!openings.length) return []
  const ledger = await homeLedger(ctx).catch(() => null)
  const views = await Promise.all(openings.map(o => openingView(ledger, o)))
  return views.sort((a, b) => b.at - a.at)
}

/** Without the ledger an opening is told as the custodians told it. */
async function openingView(ledger: Ledger | null, o: Opening): Promise<OpeningView> {
  const found = (await ledger?.emergencies.request(o.tag).catch(() => null)) ?? null
  const status = found ? await ledger!.credentials.status(found.credential).catch(() => null) : null
  const { name, role, reason, at } = o
  return {
    ...{ tag: toHex(o.tag), name, role, reason, at },
    until: found?.closesAt ?? null,
    told: o.custodians.length,
    state: found?.state ?? (o.vetoedAt ? 'vetoed' : 'unknown'),
    vouched: status ? (status.live && status.role === role ? 'live' : 'ended') : 'unknown',
    words: o.review?.text ?? null,
    reviewed: Boolean(found?.reviewHash),
  }
}

export const setUp = (vault: OpenVault, input: NewEmergency): Promise<EmergencyDone> =>
  vault.run(ctx => setUpEmergency(reaching(ctx), input)).catch(plainly)

export const replace = (vault: OpenVault): Promise<EmergencyDone> => vault.run(ctx => replaceEmergency(reaching(ctx))).catch(plainly)

export const end = (vault: OpenVault): Promise<void> => vault.run(endEmergency).catch(plainly)

export const drill = (vault: OpenVault): Promise<DrillView[]> => vault.run(ctx => drillCustodians(reaching(ctx)))

/** The card in force, as the text of its code. */
export const card = ({ ctx }: OpenVault): string => ownCard(ctx)

export const printed = (vault: OpenVault): Promise<unknown> => vault.run(notePrinted)

/** What the record says now, and whether that is what is filed. */
export async function summaryNow({ ctx }: OpenVault): Promise<SummaryNow> {
  const made = await emergencySummary(ctx)
  const { summary } = emergencyOf(ctx)
  return { words: made.text, current: summary ? equal(summary.hash, made.hash) : false }
}

/** Who may be asked to keep a share: people whose keys were compared. What was made for emergencies itself is none of them. */
export const candidates = (vault: OpenVault): ContactView[] => {
  const reader = vault.ctx.session.state.ring.emergency?.reader
  return contacts(vault).filter(c => c.verified && c.did !== reader)
}

export const apart = sharedHosts

/** What the record would say in an emergency, before anything is set up. */
export const previewSummary = async ({ ctx }: OpenVault): Promise<string> => (await emergencySummary(ctx)).text

export const keepCurrent = (vault: OpenVault): Promise<unknown> => vault.run(keepEmergencyCurrent)

export const veto = (vault: OpenVault, tag: string): Promise<void> => vault.run(ctx => vetoOpening(ctx, openingOf(ctx, tag))).catch(plainly)

export const review = (vault: OpenVault, { tag, words }: { readonly tag: string; readonly words: string }): Promise<void> =>
  vault.run(ctx => reviewOpening(ctx, openingOf(ctx, tag), words)).catch(plainly)
