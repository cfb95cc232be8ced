import type { PolicyEngine } from '@keepwell/sdk/ports/policy-engine'
import { cedarEngine } from './engine.ts'

/** Four megabytes of it: loaded when there are policies. */
export const openCedar = async (): Promise<PolicyEngine> => cedarEngine(await import('@cedar-policy/cedar-wasm/nodejs'))
