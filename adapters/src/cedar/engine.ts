import type * as Cedar from '@cedar-policy/cedar-wasm'
import { isSensitive } from '@keepwell/sdk/base/compartments'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import { type PolicyBundle, type PolicyRequest, SCHEMA } from '@keepwell/sdk/consent/policy'
import { FLOOR } from '@keepwell/sdk/consent/policy-floor'
import type { LoadedPolicy, PolicyEngine } from '@keepwell/sdk/ports/policy-engine'

type Module = Pick<typeof Cedar, 'policySetTextToParts' | 'policyToJson' | 'preparsePolicySet' | 'statefulIsAuthorized' | 'validate'>

/** Whatever the policies do not forbid is left to the consent. */
const REST = 'permit (principal, action, resource);'
const REST_ID = '-'
const ID = /^[a-z0-9][a-z0-9-]{0,63}$/
const LANGUAGE = /^[a-z]{2}$/

const bad = (message: string): KeepwellError => new KeepwellError('BAD_POLICY', message)

/** Cedar's own evaluator, compiled to WebAssembly by its makers. */
export function cedarEngine(cedar: Module): PolicyEngine {
  let loaded = 0
  const split = (source: string): string[] => {
    const parts = cedar.policySetTextToParts(source)
    if (parts.type === 'failure') throw bad(parts.errors.map(e => e.message).join(' '))
    ensure(parts.policy_templates.length === 0, 'BAD_POLICY', 'A policy has no slots.')
    return parts.policies
  }
  return {
    split,
    load(bundle) {
      ensure(bundle.schema === SCHEMA, 'BAD_POLICY', 'The bundle was made for another schema.')
      const policies = bundle.policies.map((text, i) => described(cedar, split(text), i + 1))
      const twice = policies.find((p, i) => policies.findIndex(q => q.id === p.id) !== i)
      ensure(!twice, 'BAD_POLICY', `Two policies are named ${twice?.id}.`)
      checkTypes(cedar, bundle, policies)
      // The engine keeps what it parsed under a name, for as long as the process runs.
      const name = `bundle ${++loaded}`
      const texts = policies.map((p, i) => [p.id, bundle.policies[i]!] as const)
      const parsed = cedar.preparsePolicySet(name, { staticPolicies: Object.fromEntries([[REST_ID, REST], ...texts]) })
      if (parsed.type === 'failure') throw bad(parsed.errors.map(e => e.message).join(' '))
      return { policies, forbids: request => forbidding(cedar, name, request) }
    },
  }
}

function described(cedar: Module, texts: readonly string[], n: number): LoadedPolicy {
  ensure(texts.length === 1, 'BAD_POLICY', `Entry ${n} of the bundle is not one policy.`)
  const read = cedar.policyToJson(texts[0]!)
  if (read.type === 'failure') throw bad(`Policy ${n}: ${read.errors.map(e => e.message).join(' ')}`)
  const { id, ...notes } = read.json.annotations ?? {}
  ensure(id !== undefined && ID.test(id), 'BAD_POLICY', `Policy ${n} needs a name of small letters, digits and dashes: @id("…").`)
  const text = Object.fromEntries(Object.entries(notes).filter(([k]) => LANGUAGE.test(k)))
  ensure(text.en, 'BAD_POLICY', `${id} has to say what it does in English, for people: @en("…").`)
  ensure(
    Object.values(text).every(t => t.length <= 400),
    'BAD_POLICY',
    `${id}: at most 400 characters in each language.`,
  )
  ensure(read.json.effect === 'forbid', 'BAD_POLICY', `${id}: ${FLOOR.permits}`)
  return { id, text }
}

function checkTypes(cedar: Module, bundle: PolicyBundle, policies: readonly LoadedPolicy[]): void {
  const staticPolicies = Object.fromEntries(policies.map((p, i) => [p.id, bundle.policies[i]!]))
  const checked = cedar.validate({ schema: SCHEMA, policies: { staticPolicies }, validationSettings: { mode: 'strict' } })
  if (checked.type === 'failure') throw bad(checked.errors.map(e => e.message).join(' '))
  const [first] = checked.validationErrors
  if (first) throw bad([first.error.message, first.error.help].filter(Boolean).join('; '))
}

const entity = (type: string, id: string) => ({ type, id })

function forbidding(cedar: Module, name: string, request: PolicyRequest): readonly string[] {
  const { by, action, part, purpose } = request
  const about = request.action === 'grant' ? { ...request.consent, level: { __entity: entity('Level', request.consent.level) } } : {}
  const answer = cedar.statefulIsAuthorized({
    principal: 'role' in by ? entity('Role', by.role) : entity('Vault', by.vault),
    action: entity('Action', action),
    resource: entity('Part', part),
    context: { purpose: { __entity: entity('Purpose', purpose) }, sensitive: isSensitive(part), ...about },
    preparsedPolicySetId: name,
    entities: [],
  })
  if (answer.type === 'failure') throw new KeepwellError('DEFECT', 'The policies could not be asked.')
  const { decision, diagnostics } = answer.response
  const failed = diagnostics.errors.map(e => e.policyId)
  return [...(decision === 'deny' ? diagnostics.reason : []), ...failed]
}
