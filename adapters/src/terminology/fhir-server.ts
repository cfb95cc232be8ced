import { KeepwellError } from '@keepwell/sdk/base/error'
import { at, isObject, type JsonObject, string } from '@keepwell/sdk/health/fhir/read'
import type { Expand, Expansion, TermCoding, TermConcept, ValidateCode, Validation } from '@keepwell/sdk/health/terminology/concepts'
import { readExpansion, readLookup, readSubsumption, readTranslations, readValidation } from '@keepwell/sdk/health/terminology/parameters'
import type { Terminology } from '@keepwell/sdk/ports/terminology'

export type FhirTerminologyServer = {
  /** FHIR base URL without a trailing slash. */
  readonly base: string
  /** Added to each request: `authorization`. */
  readonly headers?: Readonly<Record<string, string>>
  readonly fetch?: typeof fetch
}

const MAX_ANSWER = 32 << 20
const TIMEOUT_MS = 30_000

type Parameter = { readonly name: string; readonly [value: string]: unknown }

/** What the server refuses, in our codes: what it does not know is not the same as what is wrong. */
function refusal(status: number, outcome: unknown): KeepwellError {
  const code = string(at(outcome, 'issue', 'code'))
  const said = (string(at(outcome, 'issue', 'diagnostics')) ?? string(at(outcome, 'issue', 'details', 'text')) ?? `status ${status}`).slice(
    0,
    300,
  )
  const message = `The terminology server refused: ${said}`
  if (status === 404 || code === 'not-found') return new KeepwellError('NOT_FOUND', message)
  if (code === 'not-supported' || status === 501) return new KeepwellError('NOT_SUPPORTED', message)
  if (code === 'too-costly' || code === 'too-long' || status === 413) return new KeepwellError('TOO_LARGE', message)
  if (status === 429) return new KeepwellError('RATE_LIMITED', message)
  return status >= 500 ? new KeepwellError('PEER_FAILED', message) : new KeepwellError('BAD_INPUT', message)
}

async function bodyOf(response: Response): Promise<unknown> {
  const reader = response.body?.getReader()
  const parts: Uint8Array<ArrayBuffer>[] = []
  let size = 0
  for (let part = await reader?.read(); part && !part.done; part = await reader!.read()) {
    size += part.value.length
    if (size > MAX_ANSWER) {
      await reader!.cancel()
      throw new KeepwellError('TOO_LARGE', 'The terminology server answers with too much.')
    }
    parts.push(part.value as Uint8Array<ArrayBuffer>)
  }
  try {
    return JSON.parse(await new Blob(parts).text())
  } catch {
    return null
  }
}

/** What servers say of a code when it is the definition that they do not have, or have in part: R4 gives them no word for it but false. */
const NOT_HERE = /unknown or unusable ValueSet|CodeSystem is unknown|definition for (the )?(code ?system|value ?set)\b.*could not be found/i
const IN_PART = /\bfragment\b/i

/** A no is "invalid" only where the server could judge. Throws NOT_FOUND for a system or value set that it does not have. */
function judged(answer: unknown): Validation {
  const told = readValidation(answer)
  if (told.verdict !== 'invalid') return told
  if (NOT_HERE.test(told.message ?? '')) throw new KeepwellError('NOT_FOUND', 'The terminology server does not have that definition.')
  return IN_PART.test(told.message ?? '') ? { ...told, verdict: 'unknown' } : told
}

/** A FHIR R4 terminology server of somebody else. Codes are asked by POST, so that none stands in its access log's URLs. */
export function openFhirTerminology({ base, headers = {}, fetch: send = fetch }: FhirTerminologyServer): Terminology {
  async function ask(path: string, parameter: readonly Parameter[]): Promise<JsonObject> {
    let response: Response
    try {
      response = await send(`${base}/${path}`, {
        method: 'POST',
        headers: { ...headers, accept: 'application/fhir+json', 'content-type': 'application/fhir+json' },
        body: JSON.stringify({ resourceType: 'Parameters', parameter }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
        redirect: 'error',
      })
    } catch (cause) {
      throw new KeepwellError('PEER_FAILED', 'The terminology server does not answer.', { cause })
    }
    const body = await bodyOf(response)
    if (!response.ok) throw refusal(response.status, body)
    if (!isObject(body)) throw new KeepwellError('PEER_FAILED', 'The terminology server’s answer is no FHIR resource.')
    return body
  }
  const text = (name: string, key: string, value: unknown): Parameter[] => (value === undefined ? [] : [{ name, [key]: value }])
  const valueSetOf = (valueSet: string | JsonObject): Parameter =>
    typeof valueSet === 'string' ? { name: 'url', valueUri: valueSet } : { name: 'valueSet', resource: valueSet }
  /** Null for what the server does not have: some call a code that they do not have a bad request. */
  const orNull =
    (...codes: readonly string[]) =>
    (e: unknown): null => {
      if (e instanceof KeepwellError && codes.includes(e.code)) return null
      throw e
    }
  async function lookup(coding: TermCoding): Promise<TermConcept> {
    const about = [
      { name: 'code', valueCode: coding.code },
      { name: 'system', valueUri: coding.system },
    ]
    const told = readLookup(await ask('CodeSystem/$lookup', [...about, { name: 'property', valueCode: '*' }]), coding)
    // R4 has no word for all properties: servers that do not know this one tell none for it, and what they have when they are not asked.
    const silent = told.properties.length + told.parents.length + told.children.length === 0
    return silent ? readLookup(await ask('CodeSystem/$lookup', about), coding) : told
  }
  async function expand({ valueSet, filter, offset, count, activeOnly }: Expand): Promise<Expansion> {
    return readExpansion(
      await ask('ValueSet/$expand', [
        valueSetOf(valueSet),
        ...text('filter', 'valueString', filter),
        ...text('offset', 'valueInteger', offset),
        ...text('count', 'valueInteger', count),
        ...text('activeOnly', 'valueBoolean', activeOnly),
      ]),
    )
  }
  async function validateCode(input: ValidateCode): Promise<Validation> {
    const { code, system, display, valueSet } = input
    const shared = [{ name: 'code', valueCode: code }, ...text('display', 'valueString', display)]
    if (valueSet === undefined) return judged(await ask('CodeSystem/$validate-code', [...shared, ...text('url', 'valueUri', system)]))
    const inferred = system === undefined ? [{ name: 'inferSystem', valueBoolean: true }] : []
    const told = judged(
      await ask('ValueSet/$validate-code', [...shared, ...text('system', 'valueUri', system), ...inferred, valueSetOf(valueSet)]),
    )
    if (told.verdict !== 'invalid' || system !== undefined) return told
    // Servers that do not infer the system say no to every code without one.
    const listed = await expand({ valueSet }).catch(e => {
      if (e instanceof KeepwellError && e.code !== 'PEER_FAILED') return null
      throw e
    })
    if (!listed) return { ...told, verdict: 'unknown' }
    const { contains, total } = listed
    const systems = [...new Set(contains.flatMap(c => (c.code === code ? [c.system] : [])))]
    if (systems.length === 1) return validateCode({ ...input, system: systems[0]! })
    return total > contains.length ? { ...told, verdict: 'unknown' } : told
  }
  return {
    lookup: coding => lookup(coding).catch(orNull('NOT_FOUND')),
    validateCode,
    expand,
    async translate({ system, code, map, targetSystem, reverse }) {
      return readTranslations(
        await ask('ConceptMap/$translate', [
          { name: 'code', valueCode: code },
          { name: 'system', valueUri: system },
          ...text('url', 'valueUri', map),
          ...text('targetsystem', 'valueUri', targetSystem),
          ...text('reverse', 'valueBoolean', reverse),
        ]),
      )
    },
    subsumes: (system, a, b) =>
      ask('CodeSystem/$subsumes', [
        { name: 'system', valueUri: system },
        { name: 'codeA', valueCode: a },
        { name: 'codeB', valueCode: b },
      ]).then(
        // A code subsumes itself, which not every server says.
        answer => (readSubsumption(answer) && a === b ? 'equivalent' : readSubsumption(answer)),
        orNull('NOT_FOUND', 'BAD_INPUT'),
      ),
    async close() {},
  }
}
