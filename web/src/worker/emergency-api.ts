import { KeepwellError } from '@keepwell/sdk/base/error'
import type { SessionOver } from '#rpc/clinician.ts'
import type { EmergencyWaiting, NewEmergency } from '#rpc/emergency.ts'
import type { Call } from '#rpc/rpc.ts'
import type { NewWake } from '#rpc/wake.ts'
import type { Asking, UnderCard } from './emergency-asking.ts'
import type { OpenReading } from './session.ts'
import type { OpenVault, Tell } from './vault.ts'
import type { WakeKeys } from './wake.ts'

/** Emergency access is set up once and asked for rarely: what it needs comes when it is wanted. */
const own = () => import('./emergency.ts')
const asking = () => import('./emergency-asking.ts')
const waking = () => import('./wake.ts')
type Waking = Awaited<ReturnType<typeof waking>>

const NOTHING: EmergencyWaiting = { owed: null, openings: [], asleep: [], concerns: [] }

/** The patient's side, then the professional's. */
export const emergencyApi = (open: () => OpenVault, state: { reading: OpenReading | null }, tell: Tell) => {
  const wakeKeys: WakeKeys = new Map()
  const changed = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work
    } finally {
      tell('emergency')
    }
  }
  return {
    emergency: async (_: null) => (await own()).emergency(open()),
    async emergencyWaiting(endpoint: string | null) {
      const vault = open()
      const { emergency, openings, bell } = vault.ctx.session.state.ring
      return emergency || openings?.length || bell ? (await own()).emergencyWaiting(vault, endpoint) : NOTHING
    },
    setUpEmergency: async (input: NewEmergency) => changed((await own()).setUp(open(), input)),
    replaceEmergency: async (_: null) => changed((await own()).replace(open())),
    endEmergency: async (_: null) => changed((await own()).end(open())),
    drillEmergency: async (_: null) => changed((await own()).drill(open())),
    emergencyCard: async (_: null) => (await own()).card(open()),
    emergencyPrinted: async (_: null) => changed((await own()).printed(open())),
    emergencySummary: async (_: null) => (await own()).summaryNow(open()),
    emergencyPreview: async (_: null) => (await own()).previewSummary(open()),
    emergencyCandidates: async (_: null) => (await own()).candidates(open()),
    emergencyApart: async (urls: readonly string[]) => (await own()).apart(urls),
    keepEmergencyCurrent: async (_: null) => changed((await own()).keepCurrent(open())),
    vetoEmergency: async (tag: string) => changed((await own()).veto(open(), tag)),
    reviewEmergency: async (input: { readonly tag: string; readonly words: string }) => changed((await own()).review(open(), input)),

    wakes: async (endpoint: string | null) => (await waking()).wakes(open(), endpoint),
    wakeKey: async (_: null) => (await waking()).wakeKey(open(), wakeKeys),
    wakeHere: async (input: NewWake) => changed((await waking()).turnOn(open(), input, wakeKeys)),
    wakeHereToo: async (input: Parameters<Waking['turnOnToo']>[1]) => changed((await waking()).turnOnToo(open(), input)),
    wakeNoMore: async (id: string) => changed((await waking()).turnOff(open(), id)),
    bell: async (endpoint: string | null) => (await waking()).bell(open(), endpoint),
    bellNoMore: async (id: string) => changed((await waking()).bellNoMore(open(), id)),
    wakeFor: async (input: Parameters<Waking['wakeFor']>[1]) => changed((await waking()).wakeFor(open(), input)),
    wouldCome: async (_: null) => (await waking()).wouldCome(open()),
    chooseWoken: async (input: Parameters<Waking['chooseWoken']>[1]) => changed((await waking()).chooseWoken(open(), input)),

    readEmergencyCard: async (text: string) => (await asking()).readEmergencyCard(text),
    askEmergency: async (input: Asking) => (await asking()).ask(open(), input),
    askedEmergencies: async (card: string) => (await asking()).askedWith(open(), card),
    emergencyStatus: async (input: UnderCard) => (await asking()).status(open(), input),
    approveEmergency: async (input: UnderCard) => (await asking()).approve(open(), input),
    async openEmergency(input: UnderCard, call: Call) {
      state.reading?.end('ended')
      const { reading, view } = await (await asking()).open(open(), input, call, (o: SessionOver) => tell('session', o))
      // The reader went away while it was being opened.
      if (call.signal.aborted) {
        reading.end('ended')
        throw new KeepwellError('CANCELLED', 'The session was not wanted any more.')
      }
      state.reading = reading
      return view
    },
    ownCredentials: async (_: null) => (await asking()).credentials(open()),
    addCredential: async (text: string) => changed((await asking()).addCredential(open(), text)),
  }
}
