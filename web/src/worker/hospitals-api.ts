import type { BeginHospital } from '#rpc/hospitals.ts'
import type { Call } from '#rpc/rpc.ts'
import type { OpenVault } from './vault.ts'

/** Own logins at hospitals: what they need comes when one is wanted. */
const loaded = () => import('./hospitals.ts')
const brands = () => import('./brands.ts')

export const hospitalsApi = (open: () => OpenVault, origin: string) => ({
  hospitals: async (_: null) => (await loaded()).hospitals(open()),
  loadBrands: async (file: Blob) => (await brands()).loadBrands(file),
  findBrands: async (query: string) => (await brands()).findBrands(query),
  beginHospital: async (input: BeginHospital) => (await loaded()).beginHospital(open(), origin, input),
  endHospital: async (returned: string) => (await loaded()).endHospital(open(), returned),
  pullHospital: async (id: string, call: Call) => (await loaded()).pullHospital(open(), id, call),
  leaveHospital: async (id: string) => (await loaded()).leaveHospital(open(), id),
})
