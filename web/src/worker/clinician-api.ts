import { KeepwellError } from '@keepwell/sdk/base/error'
import { LAB_TESTS } from '@keepwell/sdk/health/fhir/lab-tests'
import type { NewRequest, NewWriting, OpenSession, Reader, SessionOver, SessionQuery } from '#rpc/clinician.ts'
import type { SeriesQuery } from '#rpc/results.ts'
import type { Call } from '#rpc/rpc.ts'
import { askForAccess, desk, forgetRequest, hasDesk, keepReader } from './desk.ts'
import { type OpenReading, openReading } from './session.ts'
import type { OpenVault, Tell } from './vault.ts'
import { writeBack } from './write-back.ts'

type State = { reading: OpenReading | null }

/** The reader's side: patients, requests, and at most one session in another's record. */
export const clinicianApi = (open: () => OpenVault, state: State, tell: Tell) => {
  const session = (): OpenReading => {
    if (!state.reading) throw new KeepwellError('NO_GRANT', 'The session is closed.')
    return state.reading
  }
  const over = (o: SessionOver): void => {
    tell('session', o)
  }
  return {
    hasDesk: async (_: null) => hasDesk(open()),
    desk: async (_: null) => desk(open()),
    async keepReader(reader: Reader) {
      await keepReader(open(), reader)
      tell('sharing')
    },
    askForAccess: async (input: NewRequest) => askForAccess(open(), input),
    forgetRequest: async (id: string) => forgetRequest(open(), id),
    async openSession(input: OpenSession, call: Call) {
      state.reading?.end('ended')
      const reading = await openReading(open(), input, over)
      // The reader went away while it was being opened.
      if (call.signal.aborted) {
        reading.end('ended')
        throw new KeepwellError('CANCELLED', 'The session was not wanted any more.')
      }
      state.reading = reading
      const { person, role } = input
      await keepReader(open(), { ...(await desk(open())).reader, person, role })
      return reading.view()
    },
    session: async (_: null) => session().view(),
    sessionFind: async (query: SessionQuery) => session().find(query),
    sessionWindow: async ({ token, from, to }: { readonly token: number; readonly from: number; readonly to: number }) =>
      session().window(token, from, to),
    sessionOverview: async (_: null) => session().overview(),
    sessionProblems: async (_: null) => session().problems(),
    sessionResults: async (_: null) => session().results.list(),
    sessionSeries: async (query: SeriesQuery) => session().results.series(query),
    sessionSeriesRows: async ({ from, to, ...query }: SeriesQuery & { readonly from: number; readonly to: number }) =>
      session().results.rows(query, from, to),
    sessionOpenAll: async (_: null, call: Call) => session().openAll(call),
    sessionRecord: async (id: string) => session().record(id),
    sessionFile: async (id: string) => session().file(id),
    labTests: async (_: null) => LAB_TESTS.map(({ name, unit }) => ({ name, unit })),
    writeBack: async (input: NewWriting) => writeBack(open(), input),
    endSession: async (why: 'ended' | 'idle') => state.reading?.end(why),
  }
}
