import { isKeepwellError } from '@keepwell/sdk/base/error'
import { type Port, RemoteError, serve } from '#rpc/rpc.ts'
import { vaultApi } from './api.ts'

/** The worker: one vault, its keys and its plaintext. Ending the worker forgets them. */
const port = globalThis as unknown as Port & { readonly location: Location; close(): void }
const tell = serve(
  port,
  vaultApi({ origin: port.location.origin, tell: (event, value) => tell(event, value), stop: () => port.close() }),
  error => {
    if (isKeepwellError(error)) return { code: error.code, message: error.message }
    if (error instanceof RemoteError) return { code: error.code, message: error.message }
    // The stack of a defect holds places in our code, and nothing of the record.
    if (error instanceof Error) console.error(error.stack)
    return { code: 'DEFECT', message: 'Something went wrong inside Keepwell.' }
  },
)
