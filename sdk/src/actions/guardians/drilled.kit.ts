import { remember } from '#actions/access/invite'
import { receiveMessages } from '#actions/access/receive-messages'
import type { Ctx } from '#actions/context'
import { person, travelled, type World, world } from '#actions/story.kit'
import { findParty } from '#actions/vault/calls'
import { changeRing } from '#actions/vault/change-ring'
import { encode } from '#base/cbor'
import type { Did } from '#identity/did'
import { memoryCatalog } from '#memory/catalog'
import { memoryLedger } from '#memory/ledger'
import { memoryRelay } from '#memory/relay'
import { askGuardian, drillGuardians, setGuardians } from './guardians.ts'
import { beginPlea, gatherHelp, type OpenPlea } from './plead.ts'
import { beginRound, finishRecovery } from './recover.ts'
import { acceptGuarding } from './take.ts'
import { helpRecover } from './vote.ts'

const HOME = 'http://home.test'
const HOSPITALS = 'http://hospitals.test'
const DAY = 86_400
const LOCK = 3 * DAY
/** Vaults whose messages are on their way at once: a mailbox takes no more than a thousand. */
const BATCH = 100

export type Drilled = {
  readonly vaults: number
  /** Guardians' answers, by what each came to. */
  readonly proved: number
  readonly disproved: readonly string[]
  readonly silent: number
  /** Vaults that lost everything, those brought back, and the places that were named as tampered with on the way. */
  readonly lost: number
  readonly back: number
  readonly named: readonly number[]
  readonly expectedNamed: readonly number[]
  /** Recoveries that fewer than it takes could not begin. */
  readonly refused: number
  /** Milliseconds of processor a vault. */
  readonly setUp: number
  readonly drill: number
  readonly recovery: number
  /** Of one guardian who holds a share of everybody: its keyring, and what travels when one more share comes. */
  readonly keyringBytes: number
  readonly bytesToHold: number
}

type Input = {
  readonly vaults: number
  /** One vault in so many is brought back. */
  readonly recoverEvery: number
  /** In one vault of so many a guardian's share was altered. */
  readonly tamperEvery: number
}

const GUARDIANS = 3
const THRESHOLD = 2
const did = (ctx: Ctx): Did => ctx.session.state.ring.did

/**
 * Many vaults, all guarded by the same three institutions, which hold a share of each: set up, drilled while one institution is away and
 * some shares are altered, and brought back by the others.
 */
export async function drillMany({ vaults, recoverEvery, tamperEvery }: Input, now: () => number): Promise<Drilled> {
  const w = await world([HOME], `drill ${vaults}`)
  const { clock, random } = w
  w.homes.set(HOSPITALS, await memoryRelay({ clock, random, url: HOSPITALS, ledger: memoryLedger({ chainId: 0x4b58, clock }) }))
  const guardians: Ctx[] = []
  for (let i = 1; i <= GUARDIANS; i++) guardians.push(await person(w, `Institution ${i}`, HOSPITALS))
  const patients: Ctx[] = []
  const spent = { setUp: 0, drill: 0, recovery: 0 }
  const timed = async (what: keyof typeof spent, work: () => Promise<void>): Promise<void> => {
    const began = now()
    await work()
    spent[what] += now() - began
  }

  for (let at = 0; at < vaults; at += BATCH) {
    const some = Array.from({ length: Math.min(BATCH, vaults - at) }, (_, i) => at + i)
    await timed('setUp', async () => void patients.push(...(await setUp(w, some, guardians))))
  }
  const tampered = patients.filter((_, i) => i % tamperEvery === 1)
  for (const [i, patient] of tampered.entries()) await alter(guardians[i % THRESHOLD]!, did(patient))

  const news: string[] = []
  const disproved: string[] = []
  // The last institution answers nothing in all this time.
  const here = guardians.slice(0, THRESHOLD)
  for (let at = 0; at < vaults; at += BATCH)
    await timed('drill', async () => {
      const some = patients.slice(at, at + BATCH)
      for (const p of some) await drillGuardians(p)
      for (const g of here) await receiveMessages(g)
      for (const p of some)
        for (const a of await receiveMessages(p))
          if (a.kind === 'guardian') {
            news.push(a.news)
            if (a.news === 'disproved') disproved.push(`${p.session.state.ring.name}: ${a.name}`)
          }
    })
  const silent = patients
    .flatMap(p => p.session.state.ring.guardians!.circles[0]!.seats)
    .filter(s => s.drill !== null && s.drilledAt === null)
  // It comes back to a question of each, which is all that its mailbox takes of a thousand vaults.
  await receiveMessages(guardians.at(-1)!)

  const lost = patients.filter((_, i) => i % recoverEvery === 0 || (i % tamperEvery === 1 && i % (recoverEvery * 2) < recoverEvery))
  const outcome = { back: 0, refused: 0, named: [] as number[], expectedNamed: [] as number[] }
  await timed('recovery', async () => {
    for (const patient of lost) {
      const at = tampered.indexOf(patient)
      if (at >= 0) outcome.expectedNamed.push((at % THRESHOLD) + 1)
      await bringBack(w, { patient, guardians, outcome })
    }
  })

  const [one] = guardians as [Ctx]
  await setUpAsked(w, vaults, guardians)
  const bytesToHold = await travelled(w, HOSPITALS, () => receiveMessages(one))
  return {
    vaults,
    proved: news.filter(n => n === 'proved').length,
    disproved,
    silent: silent.length,
    lost: lost.length,
    ...outcome,
    setUp: spent.setUp / vaults,
    drill: spent.drill / vaults,
    recovery: spent.recovery / lost.length,
    keyringBytes: encode(one.session.state.sealed).length,
    bytesToHold,
  }
}

/** Everybody knows everybody, has asked and been agreed with; the shares are on their way to the guardians' mailboxes. */
async function setUpAsked(w: World, i: number, guardians: readonly Ctx[]): Promise<Ctx> {
  const patient = await person(w, `Patient ${i}`, HOME)
  for (const g of guardians) {
    await remember(patient, (await findParty(patient, did(g), [HOSPITALS]))!, g.session.state.ring.name)
    await remember(g, (await findParty(g, did(patient), [HOME]))!, patient.session.state.ring.name)
    await askGuardian(patient, did(g))
  }
  for (const g of guardians) {
    await receiveMessages(g)
    await acceptGuarding(g, did(patient))
  }
  await receiveMessages(patient)
  await setGuardians(patient, { threshold: THRESHOLD })
  return patient
}

async function setUp(w: World, which: readonly number[], guardians: readonly Ctx[]): Promise<Ctx[]> {
  const out: Ctx[] = []
  for (const i of which) out.push(await setUpAsked(w, i, guardians))
  for (const g of guardians) await receiveMessages(g)
  return out
}

const alter = (guardian: Ctx, vault: Did) =>
  changeRing(guardian, r => ({
    ...r,
    guarding: r.guarding!.map(g =>
      g.vault === vault
        ? { ...g, held: { ...g.held!, share: { ...g.held!.share, bytes: g.held!.share.bytes.map((b, i) => (i ? b : b ^ 1)) } } }
        : g,
    ),
  }))

const parts = (w: World) => ({ clock: w.clock, random: w.random, network: w.network })
const plead = (w: World): Promise<OpenPlea> => beginPlea(parts(w), { relay: HOME, name: 'new phone' })

type Outcome = { back: number; refused: number; readonly named: number[] }

/** With the institutions that are there; where one of their shares was altered it is named, and the third is fetched from its holiday. */
async function bringBack(
  w: World,
  { patient, guardians, outcome }: { readonly patient: Ctx; readonly guardians: readonly Ctx[]; readonly outcome: Outcome },
): Promise<void> {
  const open = await plead(w)
  for (const g of guardians.slice(0, THRESHOLD)) await helpRecover(g, open.plea, did(patient))
  const { tampered } = (await gatherHelp(parts(w), open))!
  if (tampered.length) {
    outcome.named.push(...tampered)
    await beginRound(parts(w), open).catch(() => outcome.refused++)
    await helpRecover(guardians.at(-1)!, open.plea, did(patient))
  }
  await beginRound(parts(w), open)
  w.now += LOCK
  const { session } = await finishRecovery({ ...parts(w), catalog: memoryCatalog() }, open, { keep: async () => {} })
  if (session.state.ring.did === did(patient)) outcome.back++
}
