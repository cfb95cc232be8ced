import start, * as cedar from '@cedar-policy/cedar-wasm/web'
import type { PolicyEngine } from '@keepwell/sdk/ports/policy-engine'
import { cedarEngine } from './engine.ts'

/** The same in a browser, which fetches the four megabytes beside the script when there are policies. */
export async function openCedar(): Promise<PolicyEngine> {
  await start()
  return cedarEngine(cedar)
}
