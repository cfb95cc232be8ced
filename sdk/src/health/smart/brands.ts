/**
 * Lists of hospitals as their software's makers publish them (SMART App Launch 2.2.0, User-access Brands and Endpoints): who is to be found by
 * which names and places, and at which FHIR R4 server. What a list says proves nothing: the login itself is at the server's own address.
 */
import { KeepwellError } from '#base/error'
import { field, type JsonObject, list, string } from '#health/fhir/read'
import { splitFhir } from '#health/fhir/split'

export type BrandServer = { readonly name: string; readonly base: string }
export type Brand = {
  readonly name: string
  readonly aliases: readonly string[]
  /** `Napa, CA, US`. */
  readonly places: readonly string[]
  readonly servers: readonly BrandServer[]
}

/** The largest lists that are published have some tens of thousands of brands and 100 MB. */
export const BRAND_LIMITS = { bytes: 256 << 20, brands: 100_000, entry: 1 << 20, each: 50, text: 200 }
/** A brand has the servers of the one above it, at most so many steps up. */
const MAX_STEPS = 5

const short = (x: unknown): string => (string(x) ?? '').replace(/\s+/g, ' ').trim().slice(0, BRAND_LIMITS.text)
const some = (texts: readonly string[]): string[] => [...new Set(texts.filter(Boolean))].slice(0, BRAND_LIMITS.each)

/** `Organization/1` of `https://x.example/fhir/Organization/1`: lists name their own entries in either way. */
const local = (reference: string): string => /([A-Z][A-Za-z]+\/[A-Za-z0-9\-.]{1,64})$/.exec(reference)?.[1] ?? reference

const VERSION = 'http://hl7.org/fhir/StructureDefinition/endpoint-fhir-version'
const PORTAL = 'http://hl7.org/fhir/StructureDefinition/organization-portal'

const extensions = (x: unknown, url: string): unknown[] => list(field(x, 'extension')).filter(e => field(e, 'url') === url)

/** By https; on this very machine also without, as a hospital is asked. */
const asked = ({ protocol, hostname }: URL): boolean =>
  protocol === 'https:' || (protocol === 'http:' && /^(localhost|127\.0\.0\.1)$/.test(hostname))

/** Null for what is no FHIR R4 server that is on and asked by https. */
function serverOf(endpoint: JsonObject): BrandServer | null {
  const url = URL.parse(short(endpoint.address))
  const versions = extensions(endpoint, VERSION).map(e => short(field(e, 'valueCode')))
  const on = endpoint.status === undefined || endpoint.status === 'active'
  const rest = endpoint.connectionType === undefined || field(endpoint.connectionType, 'code') === 'hl7-fhir-rest'
  if (!url || !asked(url) || url.username || url.password || !on || !rest) return null
  if (versions.length && !versions.some(v => v.startsWith('4.0'))) return null
  return { name: short(endpoint.name), base: `${url.origin}${url.pathname.replace(/\/+$/, '')}` }
}

const placeOf = (address: unknown): string =>
  ['city', 'state', 'country']
    .map(name => short(field(address, name)))
    .filter(Boolean)
    .join(', ')

/** Servers by their own name, and by those under which the list refers to them. */
type Known = {
  readonly servers: ReadonlyMap<string, BrandServer>
  readonly organizations: ReadonlyMap<string, JsonObject>
}

const referenced = (x: unknown): string => local(short(field(x, 'reference')))

function serversOf(organization: JsonObject, known: Known, steps = MAX_STEPS): BrandServer[] {
  const named = [
    ...list(organization.endpoint),
    ...extensions(organization, PORTAL).flatMap(p => extensions(p, 'portalEndpoint').map(e => field(e, 'valueReference'))),
  ]
  const found = named.flatMap(reference => known.servers.get(referenced(reference)) ?? [])
  const above = known.organizations.get(referenced(organization.partOf))
  if (found.length || !above || steps === 0) return [...new Map(found.map(s => [s.base, s])).values()].slice(0, BRAND_LIMITS.each)
  return serversOf(above, known, steps - 1)
}

function brandOf(organization: JsonObject, known: Known): Brand | null {
  const name = short(organization.name)
  const servers = serversOf(organization, known)
  if (!name || servers.length === 0 || organization.active === false) return null
  const portals = extensions(organization, PORTAL).flatMap(p => extensions(p, 'portalName').map(e => short(field(e, 'valueString'))))
  const addresses = [...list(organization.address), ...list(organization.contact).map(c => field(c, 'address'))]
  return {
    name,
    aliases: some([...list(organization.alias).map(short), ...portals].filter(alias => alias !== name)),
    places: some(addresses.map(placeOf)),
    servers,
  }
}

/**
 * The brands of a list that have a server, by name. Entries that cannot be read are left out.
 * Throws TOO_LARGE beyond {@link BRAND_LIMITS}, BAD_INPUT for a file without any.
 */
export async function readBrands(chunks: AsyncIterable<Uint8Array>): Promise<Brand[]> {
  const servers = new Map<string, BrandServer>()
  const organizations = new Map<string, JsonObject>()
  const tooLarge = (): KeepwellError => new KeepwellError('TOO_LARGE', 'That list is larger than any that is published; it was not read.')
  let bytes = 0
  const counted = async function* () {
    for await (const chunk of chunks) {
      bytes += chunk.length
      if (bytes > BRAND_LIMITS.bytes) throw tooLarge()
      yield chunk
    }
  }
  for await (const part of splitFhir(counted(), { maxEntryBytes: BRAND_LIMITS.entry, maxDepth: 32, maxErrors: 1000 })) {
    if (part.error || (part.resourceType !== 'Organization' && part.resourceType !== 'Endpoint')) continue
    const { resource, resourceType } = part
    const id = string(resource.id) ? `${resourceType}/${String(resource.id)}` : local(part.fullUrl ?? '')
    const server = resourceType === 'Endpoint' ? serverOf(resource) : null
    if (server) servers.set(id, server)
    if (resourceType === 'Organization') organizations.set(id, resource)
    if (servers.size > BRAND_LIMITS.brands || organizations.size > BRAND_LIMITS.brands) throw tooLarge()
  }
  const found = [...organizations.values()].flatMap(o => brandOf(o, { servers, organizations }) ?? [])
  if (found.length === 0) throw new KeepwellError('BAD_INPUT', 'That file is no list of hospitals.')
  return found.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
}
