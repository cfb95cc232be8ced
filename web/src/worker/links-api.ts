import type { NewLink, OpenLinkInput } from '#rpc/links.ts'
import type { OpenVault } from './vault.ts'

/** Links without an account: rarely wanted, so what they need comes when one is. */
const loaded = () => import('./links.ts')
const cards = () => import('./health-cards.ts')

export const linksApi = (open: () => OpenVault, origin: string) => ({
  links: async (_: null) => (await loaded()).links(open(), origin),
  makeLink: async (input: NewLink) => (await loaded()).makeLink(open(), origin, input),
  stopLink: async (id: string) => (await loaded()).stopLink(open(), id),
  /** Needs no open record. */
  readLink: async (input: OpenLinkInput) => (await loaded()).readLink(input),
  readCard: async (given: readonly string[]) => (await cards()).readCard(given),
  takeCard: async (content: string) => (await cards()).takeCard(open(), content),
  async takeLink(_: null) {
    const vault = open()
    const taken = await (await loaded()).takeLink(vault)
    await vault.sync()
    return taken
  },
})
