import { readFileSync } from 'node:fs'
import { serveFenced } from '@keepwell/adapters/base/fenced-thread'
import { type JsonObject, string } from '@keepwell/sdk/health/fhir/read'
import { PatientSource } from 'cql-exec-fhir'
import { Date as CqlDate, DateTime, Executor, Library, NullMessageListener } from 'cql-execution'
import type { EngineAnswer, EngineAsk, Found, RuleName } from './engine.ts'

/** The model and the rules are read once; a source is loaded anew for each call. */
const source = PatientSource.FHIRv401()
const executors = new Map<RuleName, Executor>()

function executorOf(rule: RuleName): Executor {
  const known = executors.get(rule)
  if (known) return known
  const elm: unknown = JSON.parse(readFileSync(new URL(`./rules/${rule}.elm.generated.json`, import.meta.url), 'utf8'))
  const made = new Executor(new Library(elm), undefined, undefined, new NullMessageListener())
  executors.set(rule, made)
  return made
}

async function run(rule: RuleName, resources: readonly JsonObject[], now: string): Promise<Found> {
  source.reset()
  source.loadBundles([{ resourceType: 'Bundle', type: 'collection', entry: resources.map(resource => ({ resource })) }])
  const { patientResults } = await executorOf(rule).exec(source, DateTime.parse(now.replace('Z', '+00:00')) ?? undefined)
  const [found = {}] = Object.values(patientResults) as Found[]
  return Object.fromEntries(Object.entries(found).map(([name, value]) => [name, plain(value)]))
}

/** Values as they cross to another thread. */
function plain(value: unknown): unknown {
  if (value === null || value === undefined || typeof value !== 'object') return value ?? null
  if (Array.isArray(value)) return value.map(plain)
  if (value instanceof DateTime || value instanceof CqlDate) return String(value)
  if ('getTypeInfo' in value) return string((value as { id?: { value?: unknown } }).id?.value) ?? null
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v)]))
}

serveFenced(async ({ rules, resources, now }: EngineAsk): Promise<EngineAnswer> => {
  const answer: Partial<Record<RuleName, Found | null>> = {}
  for (const rule of rules) answer[rule] = await run(rule, resources, now).catch(() => null)
  return answer
})
