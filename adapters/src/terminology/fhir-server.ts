import { KeepwellError } from '@keepwell/sdk/base/error'
import { at, isObject, type JsonObject, string } from '@keepwell/sdk/health/fhir/read'
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
  const orNull = (e: unknown): null => {
    if (e instanceof KeepwellError && e.code === 'NOT_FOUND') return null
    throw e
  }
  return {
    lookup: coding =>
      ask('CodeSystem/$lookup', [
        { name: 'code', valueCode: coding.code },
        { name: 'system', valueUri: coding.system },
        { name: 'property', valueCode: '*' },
      ]).then(answer => readLookup(answer, coding), orNull),
    async validateCode({ code, system, display, valueSet }) {
      const shared = [{ name: 'code', valueCode: code }, ...text('display', 'valueString', display)]
      if (valueSet === undefined)
        return readValidation(await ask('CodeSystem/$validate-code', [...shared, ...text('url', 'valueUri', system)]))
      const inferred = system === undefined ? [{ name: 'inferSystem', valueBoolean: true }] : []
      return readValidation(
        await ask('ValueSet/$validate-code', [...shared, ...text('system', 'valueUri', system), ...inferred, valueSetOf(valueSet)]),
      )
    },
    async expand({ valueSet, filter, offset, count, activeOnly }) {
      return readExpansion(
        await ask('ValueSet/$expand', [
          valueSetOf(valueSet),
          ...text('filter', 'valueString', filter),
          ...text('offset', 'valueInteger', offset),
          ...text('count', 'valueInteger', count),
          ...text('activeOnly', 'valueBoolean', activeOnly),
        ]),
      )
    },
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
      ]).then(answer => readSubsumption(answer), orNull),
    async close() {},
  }
}
