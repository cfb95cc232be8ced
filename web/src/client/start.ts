import '#rpc/trusted.ts'
import { type Connection, connect, RemoteError } from '#rpc/rpc.ts'
import type { VaultApi } from '#worker/api.ts'

export type Vault = Connection<VaultApi> & {
  /** Ends the worker: every key and everything opened is gone with it. */
  lock(): void
}

/** Starts a worker for one vault. `failed` hears of a worker that could not start or broke. */
export function startVault(failed: (error: RemoteError) => void): Vault {
  const worker = new Worker(new URL('../worker/main.ts', import.meta.url), { type: 'module', name: 'vault' })
  const connection = connect<VaultApi>(worker)
  worker.addEventListener('error', () => {
    const error = new RemoteError('DEFECT', 'The part of Keepwell that holds the keys stopped.')
    connection.end(error)
    failed(error)
  })
  return {
    ...connection,
    lock() {
      worker.terminate()
      connection.end(new RemoteError('LOCKED', 'The record is locked.'))
    },
  }
}
