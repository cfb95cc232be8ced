import type { AccountAsked } from '#rpc/attention.ts'
import type { Call } from '#rpc/rpc.ts'
import { askAgain, attention, eraseHeld, ignoreHeld } from './attention.ts'
import { burn, milestones, mint } from './milestones.ts'
import type { OpenVault } from './vault.ts'

/** What needs a look, what is new, what is worth showing, and the account of who looked. */
export const attentionApi = (open: () => OpenVault) => ({
  attention: async (_: null) => attention(open()),
  askAgain: async (id: string) => askAgain(open(), id),
  ignoreHeld: async (id: string) => ignoreHeld(open(), id),
  eraseHeld: async (id: string) => eraseHeld(open(), id),
  news: async (_: null) => open().inbox.all(),
  newsRead: async (_: null) => open().inbox.read(),
  milestones: async (_: null) => milestones(open()),
  mint: async (id: string, call: Call) => mint(open(), id, call),
  burn: async (id: string) => burn(open(), id),
  account: async (input: AccountAsked) => (await import('./account.ts')).accountFile(open(), input),
})
