import type { Config } from './config.ts'
import { readNames } from './names.ts'

/** Addresses that may hold passwords or access keys: kept apart from what may be printed. */
export type Secrets = { readonly ledgerUrl: string | null; readonly databaseUrl: string | null }

export const NO_SECRETS: Secrets = { ledgerUrl: null, databaseUrl: null }

export function readSecrets(env: Readonly<Record<string, string | undefined>>, config: Config): Secrets {
  const s = readNames(env)
  return {
    ledgerUrl: config.ledger === 'rpc' ? s.KEEPWELL_LEDGER! : null,
    databaseUrl: config.database === 'postgres' ? s.KEEPWELL_DATABASE! : null,
  }
}

/** A custodian's mail server, with its password; null where it sends no mail. */
export const readMail = (env: Readonly<Record<string, string | undefined>>): string | null => readNames(env).KEEPWELL_MAIL ?? null
