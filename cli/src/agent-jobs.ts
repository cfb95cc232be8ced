import { join, resolve } from 'node:path'
import { openCustodians } from '@keepwell/adapters/custodian/http'
import type { Job, Said, Warning } from '@keepwell/daemon/vault/agent'
import { closeWithheld } from '@keepwell/sdk/actions/access/close-elsewhere'
import { publishWhileRead } from '@keepwell/sdk/actions/access/publish-trail'
import { applyRules } from '@keepwell/sdk/actions/access/rules'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { drillCustodians } from '@keepwell/sdk/actions/emergency/answer'
import { keepEmergencyCurrent } from '@keepwell/sdk/actions/emergency/set-up'
import { checkTombstones } from '@keepwell/sdk/actions/records/check-tombstones'
import { confirmAnchors } from '@keepwell/sdk/actions/records/confirm-anchors'
import { publishState } from '@keepwell/sdk/actions/records/publish-state'
import { receiveRecords } from '@keepwell/sdk/actions/records/receive-records'
import { selectEntries } from '@keepwell/sdk/actions/records/select-entries'
import { applyRetention } from '@keepwell/sdk/actions/records/standing-retention'
import { tellAmended } from '@keepwell/sdk/actions/rights/amended'
import { type CopyReport, chanceToFind, checkCopies, samplesFor } from '@keepwell/sdk/actions/vault/check-copies'
import { type ColdReport, copyCold, type Place } from '@keepwell/sdk/actions/vault/cold-copies'
import { DEFAULT_GENERATIONS } from '@keepwell/sdk/actions/vault/generations'
import { keepBackups } from '@keepwell/sdk/actions/vault/keep-backups'
import { keepCalendar } from '@keepwell/sdk/actions/vault/keep-calendar'
import { noteBackup, noteCopies, noteDrill } from '@keepwell/sdk/actions/vault/safekeeping'
import { drill, drillLines } from './drill.ts'
import type { Io } from './io.ts'
import { folderShelf } from './shelf.ts'
import { bytesOf, count, when } from './show.ts'

const MINUTE = 60
const DAY = 86_400

const warn = (code: string, values: Warning['values'], text: string): Pick<Said, 'warning'> => ({ warning: { code, values, text } })

/** A loss of one block in a hundred is found with 95 %. */
const FRACTION = 0.01
const CONFIDENCE = 0.95

export type AgentSettings = {
  /** Where backups are kept; null: nowhere. */
  readonly backups: string | null
  /** Opened anew for each run, so that a share that was away is no reason to stop. */
  readonly places: () => Promise<readonly Place[]>
  /** Other relays of the ledger, which see that ends of consents reach it. */
  readonly via: readonly string[]
}

/** Runs with the home open, as it is at that moment. */
export type WithCtx = <T>(work: (ctx: Ctx) => Promise<T>) => Promise<T>

export function agentJobs(io: Io, within: WithCtx, { backups, places, via }: AgentSettings): Job[] {
  const shelf = backups === null ? null : folderShelf(backups)
  return [
    { name: 'receive', every: 5 * MINUTE, run: () => within(receive) },
    { name: 'rules', every: 5 * MINUTE, run: () => within(rules) },
    ...(via.length ? [{ name: 'ends', every: 15 * MINUTE, run: () => within(ctx => ends(ctx, via)) }] : []),
    { name: 'retention', every: DAY, run: () => within(retention) },
    { name: 'calendar', every: DAY, run: () => within(calendar) },
    { name: 'emergency', every: DAY, run: () => within(emergency) },
    { name: 'custodians', every: 7 * DAY, run: () => within(custodians) },
    ...(shelf
      ? [
          { name: 'backup', every: DAY, run: () => within(ctx => backUp(ctx, { shelf, folder: backups! })) },
          { name: 'drill', every: 30 * DAY, run: () => within(ctx => rehearse(io, ctx, backups!)) },
        ]
      : []),
    { name: 'copies', every: DAY, run: () => within(ctx => withPlaces(places, all => copies(ctx, all))) },
  ]
}

async function receive(ctx: Ctx): Promise<Said> {
  const received = await receiveRecords(ctx)
  const anchors = await confirmAnchors(ctx, await selectEntries(ctx, e => e.anchoredAt === undefined))
  const published = await publishWhileRead(ctx)
  if (received.fresh || published) await publishState(ctx)
  const { told, unreached } = await tellAmended(ctx)
  const corrected = told.length ? `, ${count(told.length, 'reader')} told of corrections` : ''
  const said = `${count(received.fresh, 'new record')}, ${count(anchors.confirmed, 'proof')} confirmed${corrected}`
  const wrong = anchors.wrong.length
  if (wrong)
    return {
      said,
      ...warn(
        'proofs',
        { count: wrong },
        `The proof of ${count(wrong, 'record')} is not on the ledger as it should be. Do not trust these; run: keepwell verify`,
      ),
    }
  if (unreached.length)
    return {
      said,
      ...warn(
        'untold',
        { count: unreached.length },
        `What ${count(unreached.length, 'reader')} had opened was corrected, and they could not be told yet.`,
      ),
    }
  if (received.problems.length)
    return {
      said,
      ...warn(
        'problems',
        { count: received.problems.length },
        `${count(received.problems.length, 'record')} that arrived could not be opened or is not what it claims. Run: keepwell sync`,
      ),
    }
  return { said }
}

async function rules(ctx: Ctx): Promise<Said> {
  const { given, announced, ignored } = await applyRules(ctx)
  const said = `${count(announced.length, 'request')} announced, ${given.length} given`
  return ignored
    ? {
        said,
        ...warn(
          'rules',
          { count: ignored },
          `${count(ignored, 'rule')} is not as you signed it and counts for nothing. Look with: keepwell rules`,
        ),
      }
    : { said }
}

/** What the person's own rules are to erase: announced, waited for, erased. They are told by the verb itself. */
async function retention(ctx: Ctx): Promise<Said> {
  const run = await applyRetention(ctx)
  switch (run.state) {
    case 'none':
      return { said: 'no rule of your own erases anything' }
    case 'ignored':
      return {
        said: 'not applied',
        ...warn('retention', {}, 'Your rules for erasing are not as you signed them and count for nothing. Sign them again.'),
      }
    case 'nothing-due':
      return { said: 'nothing is due' }
    case 'held':
      return { said: 'nothing goes by itself while a legal hold stands' }
    case 'unread':
      return { said: 'nothing goes before what waits in the mailbox about your rights is read' }
    case 'erased':
      return { said: `${count(run.records, 'record')} erased` }
    case 'announced':
    case 'waiting':
      return { said: `${count(run.records, 'record')} announced, for ${when(run.on)}` }
  }
}

/** Whether the ledger shows what was ended, as others than the home relay see it. */
async function ends(ctx: Ctx, via: readonly string[]): Promise<Said> {
  let sent = 0
  for (const url of via) sent += await closeWithheld(ctx, url)
  if (!sent) return { said: 'the ledger shows every consent that was ended as ended' }
  const said = `${count(sent, 'end')} of consents sent to the ledger another way`
  return {
    said,
    ...warn(
      'ends',
      { count: sent },
      `Your relay had not brought ${count(sent, 'end')} of consents to the ledger; they are there now. Think of another relay.`,
    ),
  }
}

async function calendar(ctx: Ctx): Promise<Said> {
  const { state, unreached } = await keepCalendar(ctx)
  const said = {
    current: 'writers have keys for a year and more',
    longer: 'writers have new keys',
    finished: 'an unfinished revocation is done',
  }[state]
  if (!unreached.length) return { said }
  return {
    said,
    ...warn(
      'calendar',
      { count: unreached.length },
      `${count(unreached.length, 'person', 'persons')} with a consent could not be sent new keys; share again if they cannot read.`,
    ),
  }
}

async function emergency(ctx: Ctx): Promise<Said> {
  if (!ctx.session.state.ring.emergency) return { said: 'not set up' }
  const { filed, renew } = await keepEmergencyCurrent(ctx)
  const said = filed ? 'the summary is filed anew' : 'the summary is current'
  return renew ? { said, ...warn('card', {}, 'Your emergency card has to be renewed; do it where you made it.') } : { said }
}

/** Whether enough custodians still hold their share, while there is time to choose others. */
async function custodians(ctx: Ctx): Promise<Said> {
  const { emergency: state } = ctx.session.state.ring
  if (!state) return { said: 'emergency access is not set up' }
  const drilled = await drillCustodians({ ...ctx, custodians: openCustodians() })
  const good = drilled.filter(d => d.state === 'holds').length
  const said = `${good} of ${count(drilled.length, 'custodian')} proved their share, ${state.commitment.threshold} are needed`
  if (good === drilled.length) return { said }
  const grave = good < state.commitment.threshold ? 'Nobody could open your emergency summary: ' : ''
  const values = { good, of: drilled.length, needed: state.commitment.threshold }
  return {
    said,
    ...warn(
      grave ? 'custodiansFew' : 'custodians',
      values,
      `${grave}${said}. Look under Emergency in the app, or with: keepwell emergency drill`,
    ),
  }
}

type Backups = { readonly shelf: ReturnType<typeof folderShelf>; readonly folder: string }

async function backUp(ctx: Ctx, { shelf, folder }: Backups): Promise<Said> {
  await receiveRecords(ctx)
  const { name, check, size, resealed, pruned, damaged } = await keepBackups(ctx, { shelf, keep: DEFAULT_GENERATIONS })
  await noteBackup(ctx, { place: resolve(folder, name), records: check.records, size })
  const said = `${count(check.records, 'record')}, ${bytesOf(size)}, read back and compared; ${resealed.length} cleaned, ${pruned.length} removed`
  return damaged.length
    ? {
        said,
        ...warn(
          'backups',
          { count: damaged.length, names: damaged.join(', ') },
          `${count(damaged.length, 'older backup')} cannot be read any more: ${damaged.join(', ')}`,
        ),
      }
    : { said }
}

async function rehearse(io: Io, ctx: Ctx, folder: string): Promise<Said> {
  const newest = (await folderShelf(folder).list()).at(-1)
  if (!newest) return { said: 'there is no backup yet', ...warn('noBackup', {}, 'There is no backup to rehearse a restore with.') }
  const { device, state } = ctx.session
  const recovery = { secret: device.secret, public: device.public, tag: state.ring.recovery.tag }
  const done = await drill(io, { file: join(folder, newest), recovery, erased: await checkTombstones(ctx) })
  await noteDrill(ctx, { place: resolve(folder, newest), ...done })
  const said = drillLines(done).join(' ')
  return done.kept ? { said } : { said, ...warn('drill', { said }, `A rehearsed restore did not bring everything back: ${said}`) }
}

async function withPlaces<T>(open: () => Promise<readonly Place[]>, work: (places: readonly Place[]) => Promise<T>): Promise<T> {
  const places = await open()
  try {
    return await work(places)
  } finally {
    for (const { store } of places) await store.close()
  }
}

const copiedLine = ({ place, pending, left }: ColdReport): string[] => [
  ...(pending ? [`${place}: ${count(pending, 'record')} taken, not final yet`] : []),
  ...(left ? [`${place}: ${count(left, 'erased record')} left there, unreadable`] : []),
]

const checkedLine = ({ place, failed, asked, of, repaired, pending }: CopyReport): string =>
  `${place}: ${failed ?? `${asked} of ${of} blocks asked, ${repaired} mended${pending ? `, ${pending} being mended` : ''}`}`

/** Copies what is new, then looks for losses and mends them. */
async function copies(ctx: Ctx, places: readonly Place[]): Promise<Said> {
  const copied = await copyCold(ctx, places)
  const samples = samplesFor(FRACTION, CONFIDENCE)
  const reports = await checkCopies(ctx, { places, samples })
  await noteCopies(ctx, reports)
  const sure = `a loss of ${FRACTION * 100} % is found with ${(chanceToFind(samples, FRACTION) * 100).toFixed(0)} %`
  const said = [...copied.flatMap(copiedLine), ...reports.map(checkedLine), sure].join('; ')
  const failing = (code?: string): string[] => [
    ...new Set([...copied, ...reports].filter(r => r.failed && (!code || r.failed === code)).map(r => r.place)),
  ]
  const lost = Math.max(0, ...reports.map(r => r.lost))
  const amiss = reports.filter(r => r.unmended)
  const mended = reports.filter(r => r.repaired || r.pending)
  if (lost)
    return {
      said,
      ...warn(
        'lost',
        { count: lost },
        `${count(lost, 'block')} of your record cannot be had from any place any more. Restore from a backup.`,
      ),
    }
  if (amiss.length) {
    const names = amiss.map(r => `${r.place} (${r.unmended})`).join(', ')
    return { said, ...warn('unmended', { names }, `Copies are lost or damaged and could not be mended yet: ${names}. It is tried again.`) }
  }
  if (mended.length) {
    const names = mended.map(r => `${r.place} (${r.repaired + r.pending})`).join(', ')
    return { said, ...warn('mended', { names }, `Copies were lost or damaged and have been mended: ${names}.`) }
  }
  const [poor, dear] = [failing('FUNDS_TOO_LOW').join(', '), failing('PRICE_TOO_HIGH').join(', ')]
  if (poor) return { said, ...warn('funds', { names: poor }, `The wallet has not enough to pay for copies: ${poor}. Fill it up.`) }
  if (dear)
    return { said, ...warn('price', { names: dear }, `Copies cost more than you agreed to: ${dear}. Start keepwell vault anew to agree.`) }
  const names = failing().join(', ')
  return names ? { said, ...warn('places', { names }, `These places for copies did not answer: ${names}.`) } : { said }
}
