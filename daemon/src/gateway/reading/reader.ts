import { fenced } from '@keepwell/adapters/base/fenced'
import {
  type Described,
  type Describer,
  describeBytes,
  describeHere,
  type ResourceInput,
} from '@keepwell/sdk/actions/records/import-describe'
import { isKeepwellError } from '@keepwell/sdk/base/error'
import { sha256 } from '@keepwell/sdk/crypto/hash'
import { type InstanceFacts, instanceFacts, readInstance } from '@keepwell/sdk/health/dicom/instance'
import { endsWithPixels, isDeflated, readHeader } from '@keepwell/sdk/health/dicom/read'
import { loadChecker } from '@keepwell/sdk/health/fhir/check'
import { type Issue, problem } from '@keepwell/sdk/health/fhir/issue'
import type { JsonObject } from '@keepwell/sdk/health/fhir/read'
import { knownParameters } from '@keepwell/sdk/health/fhir/search/known-parameters'
import { r4 } from '@keepwell/sdk/health/fhir/search/r4'
import { Refusal, refuse } from '#gateway/fhir/outcome'
import type { Patch } from '#gateway/fhir/patch'
import type { Gauge } from '#http/metrics'
import type { Ask, Work } from './thread.ts'

/**
 * Foreign bytes read, and judged, where nothing that they do can take the server: what is small or of one pass is bounded by its size and read
 * in place, all else on threads behind a fence (decision 0063). What passes the fence's limits of time and memory is refused as too costly.
 */
export type Reader = {
  /** FHIR XML as the same resource in JSON. Throws BAD_INPUT, TOO_LARGE, a refusal. */
  xml(bytes: Uint8Array): Promise<JsonObject>
  /** `thorough`: also the search parameters that a resource names. Throws a refusal. */
  check(resource: JsonObject, thorough?: boolean): Promise<readonly Issue[]>
  /** A resource as a patch makes it. Throws a refusal. */
  patched(resource: JsonObject, patch: Patch): Promise<JsonObject>
  /** Throws UNREADABLE, TOO_LARGE. */
  instance(bytes: Uint8Array): Promise<InstanceFacts>
  readonly describe: Describer
  gauges(): readonly Gauge[]
  close(): Promise<void>
}

export type ReaderLimits = { readonly milliseconds: number; readonly megabytes: number; readonly threads: number; readonly waiting: number }
export const READER_LIMITS: ReaderLimits = { milliseconds: 10_000, megabytes: 768, threads: 2, waiting: 256 }

/** Weight of a resource, about its bytes, that is judged in place: what judging grows with is squared there, and still little. */
const LIGHT = 8 << 10
/** A file that is read in place: one pass, and at most some hundred bytes of memory for every eight of its own. */
const SMALL_FILE = 1 << 20
/** As much of a file as mostly holds all that comes before its pixels. */
const BEGINNING = 96 << 10

/** Whether a value weighs no more than `left`: texts by their length, and all else by what its frame takes. */
function isLight(value: unknown, left = { weight: LIGHT }): boolean {
  left.weight -= typeof value === 'string' ? value.length + 4 : 8
  if (left.weight < 0) return false
  if (typeof value !== 'object' || value === null) return true
  return Object.values(value).every(v => isLight(v, left))
}

const costly = (e: unknown): never => {
  if (isKeepwellError(e, 'UNREADABLE')) throw refuse(422, 'too-costly', 'Reading it takes more time or memory than one request may have.')
  throw e
}

/** One that cannot be judged is kept as it came, with the reason. */
const unjudged = ({ bytes }: ResourceInput): Described => ({
  ...describeBytes({ name: 'resource', bytes, whole: true, hash: sha256(bytes) }),
  issues: [problem('too-costly', '', 'It takes more time or memory to judge than one resource may have.')],
})

export function openReader(base?: string, limits: ReaderLimits = READER_LIMITS): Reader {
  const fence = fenced<Ask, unknown>({ module: new URL('./thread.ts', import.meta.url), ...limits })
  const far = <K extends keyof Work>(what: K, input: Parameters<Work[K]>[0]) =>
    fence.run({ what, input } as Ask) as Promise<Awaited<ReturnType<Work[K]>>>
  const searchParameter = knownParameters(r4)
  const here = describeHere(base)
  return {
    xml: bytes => far('xml', bytes.slice()).catch(costly),
    async check(resource, thorough = false) {
      if (!isLight(resource)) return far('check', { resource, thorough }).catch(costly)
      return (await loadChecker())(resource, thorough ? { searchParameter } : {})
    },
    async patched(resource, patch) {
      const made = await far('patch', { resource, patch }).catch(costly)
      if ('resource' in made) return made.resource
      throw new Refusal(made.status, made.issues)
    },
    async instance(bytes) {
      if (isDeflated(bytes)) return far('instance', bytes.slice())
      const header = readHeader(bytes.subarray(0, BEGINNING))
      if (header && endsWithPixels(header, bytes.length)) return instanceFacts(header)
      return bytes.length <= SMALL_FILE ? readInstance(bytes) : far('instance', bytes.slice())
    },
    describe: {
      async resources(all) {
        const out: Described[] = []
        for (const r of all) {
          const { resource: _parsed, ...part } = r
          const [described] =
            r.bytes.length <= LIGHT
              ? await here.resources([r])
              : await far('resources', { base, parts: [part] }).catch(e =>
                  isKeepwellError(e, 'UNREADABLE') ? [unjudged(r)] : Promise.reject(e),
                )
          out.push(described!)
        }
        return out
      },
      document: input =>
        input.bytes.length <= SMALL_FILE || readHeader(input.bytes.subarray(0, BEGINNING))
          ? here.document(input)
          : far('document', { ...input, bytes: input.bytes.slice() }),
    },
    gauges: () => [
      {
        name: 'keepwell_reading_ended_total',
        about: 'Bodies and files that took more time or memory to read than one may have.',
        value: fence.counts.ended,
        type: 'counter',
      },
    ],
    close: fence.close,
  }
}
