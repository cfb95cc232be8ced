/** FHIR R4's terminology operations over a {@link Terminology}: arguments in, a resource out. */
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import type { JsonObject } from '@keepwell/sdk/health/fhir/read'
import type { TermCoding, ValidateCode, Validation } from '@keepwell/sdk/health/terminology/concepts'
import {
  argumentsOf,
  expansionAnswer,
  lookupAnswer,
  type OperationArguments,
  subsumptionAnswer,
  translationAnswer,
  validationAnswer,
} from '@keepwell/sdk/health/terminology/parameters'
import type { Terminology } from '@keepwell/sdk/ports/terminology'

export type Asked = {
  readonly query: URLSearchParams
  readonly body: JsonObject | null
  /** Unix seconds. */
  readonly now: number
  readonly random: (length: number) => Uint8Array
}
export type Operation = (terms: Terminology, asked: Asked) => Promise<JsonObject>

const need = (value: string | undefined, name: string): string => {
  ensure(value, 'BAD_INPUT', `The parameter ${name} is missing.`)
  return value
}

/** The codes that are asked about: a Coding, a CodeableConcept, or `code` with `system`. */
function codingsOf(args: OperationArguments): readonly TermCoding[] {
  const given = [...args.codings('coding'), ...args.codings('codeableConcept')]
  if (given.length) return given
  const display = args.text('display')
  return [{ system: args.text('system') ?? '', code: need(args.text('code'), 'code'), ...(display ? { display } : {}) }]
}

function count(args: OperationArguments, name: string): Record<string, number> {
  const text = args.text(name)
  if (text === undefined) return {}
  ensure(/^\d{1,9}$/.test(text), 'BAD_INPUT', `The parameter ${name} is a number from 0.`)
  return { [name]: Number(text) }
}

export const lookup: Operation = async (terms, { query, body }) => {
  const [coding] = codingsOf(argumentsOf(query, body))
  need(coding?.system, 'system')
  const found = await terms.lookup(coding!)
  if (!found) throw new KeepwellError('NOT_FOUND', 'That code is not known here.')
  return lookupAnswer(found)
}

/** Of several codings of one concept one has to be right (R4, ValueSet/$validate-code). */
async function judged(terms: Terminology, inputs: readonly ValidateCode[]): Promise<JsonObject> {
  let told: { v: Validation; code: string } | undefined
  for (const input of inputs) {
    const v = await terms.validateCode(input)
    if (!told || v.verdict === 'valid') told = { v, code: input.code }
    if (v.verdict === 'valid') break
  }
  return validationAnswer(told!.v, told!.code)
}

const input = (c: TermCoding): ValidateCode => ({
  code: c.code,
  ...(c.system ? { system: c.system } : {}),
  ...(c.display ? { display: c.display } : {}),
})

export const validateInSystem: Operation = (terms, { query, body }) => {
  const args = argumentsOf(query, body)
  const url = args.text('url')
  const codings = codingsOf(args).map(c => (c.system || !url ? c : { ...c, system: url }))
  ensure(
    codings.every(c => c.system),
    'BAD_INPUT',
    'The parameter url is missing.',
  )
  return judged(terms, codings.map(input))
}

const valueSetOf = (args: OperationArguments): string | JsonObject => {
  const url = args.text('url')
  const version = args.text('valueSetVersion')
  return args.resource('valueSet') ?? need(url && version ? `${url}|${version}` : url, 'url')
}

export const validateInSet: Operation = (terms, { query, body }) => {
  const args = argumentsOf(query, body)
  const valueSet = valueSetOf(args)
  return judged(
    terms,
    codingsOf(args).map(c => ({ ...input(c), valueSet })),
  )
}

export const expand: Operation = async (terms, { query, body, now, random }) => {
  const args = argumentsOf(query, body?.resourceType === 'ValueSet' ? null : body)
  const valueSet = body?.resourceType === 'ValueSet' ? body : valueSetOf(args)
  const filter = args.text('filter')
  const found = await terms.expand({
    valueSet,
    ...(filter === undefined ? {} : { filter }),
    ...count(args, 'offset'),
    ...count(args, 'count'),
    ...(args.text('activeOnly') === 'true' ? { activeOnly: true } : {}),
  })
  const about = typeof valueSet === 'string' ? { url: valueSet.replace(/\|.*$/, '') } : valueSet
  return expansionAnswer(about, found, { at: new Date(now * 1000).toISOString(), id: `urn:uuid:${uuid(random)}` })
}

function uuid(random: (length: number) => Uint8Array): string {
  const bytes = random(16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return Buffer.from(bytes)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

export const translate: Operation = async (terms, { query, body }) => {
  const args = argumentsOf(query, body)
  const [map, targetSystem] = [args.text('url'), args.text('targetsystem')]
  const found = []
  for (const { system, code } of codingsOf(args))
    found.push(
      ...(await terms.translate({
        system: need(system, 'system'),
        code,
        ...(map ? { map } : {}),
        ...(targetSystem ? { targetSystem } : {}),
        ...(args.text('reverse') === 'true' ? { reverse: true } : {}),
      })),
    )
  return translationAnswer(found)
}

export const subsumes: Operation = async (terms, { query, body }) => {
  const args = argumentsOf(query, body)
  const [a] = args.codings('codingA')
  const [b] = args.codings('codingB')
  const system = need(args.text('system') ?? a?.system, 'system')
  const outcome = await terms.subsumes(system, need(args.text('codeA') ?? a?.code, 'codeA'), need(args.text('codeB') ?? b?.code, 'codeB'))
  if (!outcome) throw new KeepwellError('NOT_FOUND', 'Those codes are not known here, or their system has no hierarchy.')
  return subsumptionAnswer(outcome)
}
