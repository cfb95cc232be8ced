import type { Issue } from '#health/fhir/issue'
import { problem } from '#health/fhir/issue'
import { field, isObject, type JsonObject, list, string } from '#health/fhir/read'
import type { Params } from '#health/fhir/search/types'
import { CONSENT_ENDED, type Topic, topicOf } from './topics.ts'

/** Subscriptions R5 Backport 1.1.0, for R4: https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/ */
export const BACKPORT = 'http://hl7.org/fhir/uv/subscriptions-backport'
const extensionUrl = (name: string): string => `${BACKPORT}/StructureDefinition/backport-${name}`

export type Content = 'empty' | 'id-only' | 'full-resource'
export const CONTENTS: readonly Content[] = ['empty', 'id-only', 'full-resource']

/** Resources of a type which meet all of the parameters. */
export type Filter = { readonly type: string; readonly params: Params }

export type Channel = {
  readonly type: 'rest-hook' | 'websocket'
  /** Empty for a websocket. */
  readonly endpoint: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly format: 'json' | 'xml'
  /** As the client wrote it: the content type of what is sent. */
  readonly mediaType: string
  readonly content: Content
  /** Seconds; null: no heartbeats. */
  readonly heartbeat: number | null
  /** Seconds. */
  readonly timeout: number | null
  readonly maxCount: number
}

export type Plan = {
  readonly topic: string
  /** Of one type all must be met (the guide joins them by AND); a type without any is met by each resource of the topic. */
  readonly filters: readonly Filter[]
  readonly types: readonly string[]
  readonly channel: Channel
  /** Unix seconds; null: open. */
  readonly end: number | null
}

export type Read = { readonly plan: Plan; readonly issues?: undefined } | { readonly plan?: undefined; readonly issues: readonly Issue[] }

const MAX_FILTERS = 16
const MAX_HEADERS = 16
const MAX_COUNT = 100
const JSON_TYPES = new Set(['application/fhir+json', 'application/json'])
const XML_TYPES = new Set(['application/fhir+xml', 'application/xml'])
/** RFC 9110 field-name and a value without line breaks. What frames the request is not the client's to say. */
const HEADER = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}):\s*([\x20-\x7e\t]{0,2000})$/
const FRAMING = new Set([
  ...['host', 'content-length', 'content-type', 'transfer-encoding', 'connection', 'upgrade', 'te', 'trailer', 'expect'],
  ...['keep-alive', 'proxy-authorization', 'proxy-connection'],
])

/** The value of a backport extension on an element; in JSON those of a primitive stand beside it, under `_name`. */
const extensions = (element: unknown, name: string): JsonObject[] =>
  list(field(element, 'extension')).filter((e): e is JsonObject => isObject(e) && e.url === extensionUrl(name))

/** A topic-based Subscription as a plan, or what is wrong with it. Its structure was checked before. */
export function readSubscription(resource: JsonObject): Read {
  const issues: Issue[] = []
  const topic = topicOf(string(resource.criteria) ?? '')
  if (!topic)
    issues.push(problem('not-supported', 'Subscription.criteria', 'The criteria are the canonical URL of a topic that /metadata lists.'))
  const filters = topic ? filtersOf(resource, topic, issues) : []
  const channel = channelOf(resource, issues)
  const end = resource.end === undefined ? null : Math.floor(Date.parse(String(resource.end)) / 1000)
  if (issues.length || !channel || !topic) return { issues }
  const types = topic.types ?? [...new Set(filters.map(f => f.type))]
  if (topic.url === CONSENT_ENDED && channel.content === 'full-resource')
    return {
      issues: [
        problem(
          'not-supported',
          'Subscription.channel.payload',
          'When a consent has ended nothing of the record may be sent: ask for id-only or empty.',
        ),
      ],
    }
  return { plan: { topic: topic.url, filters, types, channel, end } }
}

const FILTER = /^(?:([A-Z][A-Za-z]{1,63})\?)?(.{1,2000})$/

function filtersOf(resource: JsonObject, topic: Topic, issues: Issue[]): Filter[] {
  const path = 'Subscription.criteria.extension'
  const texts = extensions(resource._criteria, 'filter-criteria').map(e => string(e.valueString))
  if (texts.length > MAX_FILTERS) issues.push(problem('too-long', path, `A subscription has at most ${MAX_FILTERS} filters.`))
  const out: Filter[] = []
  for (const text of texts.slice(0, MAX_FILTERS)) {
    const [, type, query = ''] = FILTER.exec(text ?? '') ?? []
    const types = type ? [type] : (topic.types ?? [])
    if (!text || types.length === 0 || (topic.types && !types.every(t => topic.types!.includes(t)))) {
      issues.push(problem('invalid', path, 'A filter is Type?parameter=value, of a type that the topic is about.'))
      continue
    }
    for (const t of types) out.push({ type: t, params: [...new URLSearchParams(query)] })
  }
  if (topic.types === null && out.length === 0 && issues.length === 0)
    issues.push(problem('required', path, 'This topic needs a filter that names the type: Observation?patient=Patient/1.'))
  return out
}

function channelOf(resource: JsonObject, issues: Issue[]): Channel | null {
  const channel = field(resource, 'channel')
  const path = 'Subscription.channel'
  const before = issues.length
  const type = field(channel, 'type')
  if (type !== 'rest-hook' && type !== 'websocket')
    issues.push(problem('not-supported', `${path}.type`, 'Channels here are rest-hook and websocket.'))
  if (extensions(field(channel, '_type'), 'channel-type').length)
    issues.push(problem('not-supported', `${path}.type`, 'Other channel types are not served here.'))
  const endpoint = string(field(channel, 'endpoint')) ?? ''
  if (type === 'rest-hook' && !isHttp(endpoint))
    issues.push(problem('value', `${path}.endpoint`, 'A rest-hook is posted to an https address.'))
  const mediaType = string(field(channel, 'payload')) ?? 'application/fhir+json'
  const bare = mediaType.split(';')[0]!.trim().toLowerCase()
  if (!JSON_TYPES.has(bare) && !XML_TYPES.has(bare))
    issues.push(problem('not-supported', `${path}.payload`, 'Notifications are FHIR JSON or FHIR XML.'))
  const content = extensions(field(channel, '_payload'), 'payload-content')[0]?.valueCode
  if (!CONTENTS.includes(content as Content))
    issues.push(problem('required', `${path}.payload.extension`, `How much is sent is one of ${CONTENTS.join(', ')}.`))
  const headers = headersOf(channel, issues)
  if (issues.length > before) return null
  return {
    type: type as Channel['type'],
    endpoint: type === 'rest-hook' ? endpoint : '',
    headers,
    format: XML_TYPES.has(bare) ? 'xml' : 'json',
    mediaType,
    content: content as Content,
    heartbeat: numberIn(channel, 'heartbeat-period', 'valueUnsignedInt'),
    timeout: numberIn(channel, 'timeout', 'valueUnsignedInt'),
    maxCount: Math.min(MAX_COUNT, numberIn(channel, 'max-count', 'valuePositiveInt') ?? MAX_COUNT),
  }
}

/** Zero is as good as absent. */
function numberIn(channel: unknown, name: string, member: string): number | null {
  const value = extensions(channel, name)[0]?.[member]
  return typeof value === 'number' && value > 0 ? value : null
}

function headersOf(channel: unknown, issues: Issue[]): [string, string][] {
  const path = 'Subscription.channel.header'
  const given = list(field(channel, 'header'))
  if (given.length > MAX_HEADERS) issues.push(problem('too-long', path, `At most ${MAX_HEADERS} headers are sent.`))
  return given.slice(0, MAX_HEADERS).flatMap((line): [string, string][] => {
    const [, name, value] = HEADER.exec(String(line)) ?? []
    if (name && value !== undefined && !FRAMING.has(name.toLowerCase())) return [[name, value]]
    issues.push(problem('value', path, 'A header is Name: value, and none that frames the request.'))
    return []
  })
}

function isHttp(text: string): boolean {
  const url = URL.parse(text)
  return url !== null && (url.protocol === 'https:' || url.protocol === 'http:') && !url.username && !url.password && !url.hash
}
