import type { KeepChoice, Standing } from '#rpc/offline.ts'
import type { OpenVault } from './vault.ts'

const NOTHING: Standing = { syncedAt: null, waiting: 0, copies: { records: 0, bytes: 0, choice: 'none' } }

/** What is on this device: how fresh it is, what waits, what is kept. */
export const offlineApi = (open: () => OpenVault) => ({
  standing: async (_: null): Promise<Standing> => open().offline?.standing() ?? NOTHING,
  keepCopies: async (choice: KeepChoice): Promise<void> => {
    const vault = open()
    await vault.offline?.choose(choice)
    vault.copy()
  },
})
