import type { NewRule } from '#rpc/rules.ts'
import type { EndRule } from './rules.ts'
import type { OpenVault } from './vault.ts'

/** Few sign rules: what they need comes when it is wanted. */
const own = () => import('./rules.ts')

/** Standing rules: signing one gives access away for later; ending one and saying no to a use only takes it away. */
export const rulesApi = (open: () => OpenVault) => ({
  rules: async (_: null) => (await own()).rules(open()),
  addRule: async (input: NewRule) => (await own()).addRule(open(), input),
  stopRule: async (input: EndRule) => (await own()).stopRule(open(), input),
  refuseUse: async (id: string) => (await own()).refuseUse(open(), id),
})
