import { createContext, type ReactNode, useContext } from 'react'
import type { Client } from '#rpc/rpc.ts'
import type { Me } from '#rpc/views.ts'
import type { VaultApi } from '#worker/api.ts'
import type { Vault } from './start.ts'

export type OpenRecord = {
  readonly api: Client<VaultApi>
  readonly on: Vault['on']
  readonly me: Me
  readonly online: boolean
  readonly lock: () => void
  /** Locks this record and goes to another one of this browser. */
  readonly switchTo: (did: string) => void
  /** Begins a record for somebody in one’s care; this one stays open meanwhile. */
  readonly care: () => void
}

const Context = createContext<OpenRecord | null>(null)

export const VaultProvider = ({ value, children }: { readonly value: OpenRecord; readonly children: ReactNode }) => (
  <Context.Provider value={value}>{children}</Context.Provider>
)

/** The open vault; only screens behind the lock may ask. */
export function useVault(): OpenRecord {
  const value = useContext(Context)
  if (!value) throw new Error('No vault is open here.')
  return value
}
