import type { NewShare } from '#rpc/views.ts'
import { dropRequest } from './requests.ts'
import { acceptInvitation, contacts, endShare, givenShares, makeInvitation, receivedShares, requests, share } from './sharing.ts'
import { trail } from './trail.ts'
import type { OpenVault } from './vault.ts'

/** Who may read, what others share, and who looked. */
export const sharingApi = (open: () => OpenVault) => ({
  contacts: async (_: null) => contacts(open()),
  shares: async (_: null) => ({ given: givenShares(open()), received: receivedShares(open()) }),
  requests: async (_: null) => requests(open()),
  decline: async (id: string) => open().run(ctx => dropRequest(ctx, id)),
  invite: async (name: string) => makeInvitation(open(), name),
  join: async (link: string) => acceptInvitation(open(), link),
  share: async (input: NewShare) => share(open(), input),
  endShare: async (id: string) => endShare(open(), id),
  trail: async (_: null) => trail(open()),
})
