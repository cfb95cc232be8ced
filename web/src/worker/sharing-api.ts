import { KeepwellError } from '@keepwell/sdk/base/error'
import type { NewShare } from '#rpc/views.ts'
import { type Reading, startReading } from './reading.ts'
import { dropRequest } from './requests.ts'
import { acceptInvitation, contacts, endShare, givenShares, makeInvitation, receivedShares, requests, share } from './sharing.ts'
import { trail } from './trail.ts'
import type { OpenVault } from './vault.ts'

/** Who may read, what others share, and who looked. At most one session in another's record is open. */
export const sharingApi = (open: () => OpenVault, state: { reading: Reading | null }) => ({
  contacts: async (_: null) => contacts(open()),
  shares: async (_: null) => ({ given: givenShares(open()), received: receivedShares(open()) }),
  requests: async (_: null) => requests(open()),
  decline: async (id: string) => open().run(ctx => dropRequest(ctx, id)),
  invite: async (name: string) => makeInvitation(open(), name),
  join: async (link: string) => acceptInvitation(open(), link),
  share: async (input: NewShare) => share(open(), input),
  endShare: async (id: string) => endShare(open(), id),
  async read(id: string) {
    state.reading?.close()
    state.reading = await startReading(open(), id)
    return state.reading.view
  },
  async readRecord(id: string) {
    if (!state.reading) throw new KeepwellError('NO_GRANT', 'The session is closed.')
    return state.reading.open(id)
  },
  async leave(_: null) {
    state.reading?.close()
    state.reading = null
  },
  trail: async (_: null) => trail(open()),
})
