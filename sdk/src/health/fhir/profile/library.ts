/** The profiles that are known: those that ship, and packages that an operator adds. */
import type { Codes, Shapes } from '#health/fhir/shapes'
import { bare, compileProfile, compileValueSet } from './compile.ts'
import type { CodeSet, Profile, ProfilePackage } from './types.ts'

export type ProfileLibrary = {
  readonly index: Shapes
  /** `url` finds the newest version, `url|version` that one; null when it is not known. */
  readonly profile: (canonical: string) => Profile | null
  /** Value sets that the packages spell out. */
  readonly codes: (valueSet: string) => Codes | null
  /** Of resources, for `CapabilityStatement.rest.resource.supportedProfile`. */
  readonly of: (type: string) => readonly Profile[]
}

const compareVersions = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true })

function codesOf(set: CodeSet): Codes {
  const systems = new Map<string, Set<string>>()
  for (const [system, codes] of set) systems.set(system, new Set([...(systems.get(system) ?? []), ...codes]))
  return { systems, all: new Set(set.flatMap(([, codes]) => codes)) }
}

export function openLibrary(packages: readonly ProfilePackage[], index: Shapes): ProfileLibrary {
  const byUrl = new Map<string, Profile[]>()
  const sets = new Map<string, CodeSet>()
  for (const { profiles, valueSets } of packages) {
    for (const p of profiles) byUrl.set(p.url, [...(byUrl.get(p.url) ?? []).filter(k => k.version !== p.version), p])
    for (const [url, set] of Object.entries(valueSets)) sets.set(url, set)
  }
  for (const versions of byUrl.values()) versions.sort((a, b) => compareVersions(b.version, a.version))
  const known = new Map<string, Codes>()
  return {
    index,
    profile: canonical => {
      const versions = byUrl.get(bare(canonical))
      const wanted = /\|(.+)$/.exec(canonical)?.[1]
      return versions?.find(p => wanted === undefined || p.version === wanted) ?? null
    },
    codes: valueSet => {
      const url = bare(valueSet)
      const set = sets.get(url)
      if (!set) return null
      const codes = known.get(url) ?? codesOf(set)
      known.set(url, codes)
      return codes
    },
    of: type => [...byUrl.values()].flat().filter(p => p.type === type),
  }
}

/** A package of definitions (StructureDefinitions with snapshots, ValueSets; others are left out) as what is checked. */
export function compilePackage(
  named: Pick<ProfilePackage, 'name' | 'version'>,
  resources: Iterable<unknown>,
  index: Shapes,
): ProfilePackage {
  const profiles: Profile[] = []
  const valueSets: Record<string, CodeSet> = {}
  for (const resource of resources) {
    const profile = compileProfile(resource, index)
    if (profile) profiles.push(profile)
    const set = compileValueSet(resource)
    if (set) valueSets[set[0]] = set[1]
  }
  const wanted = new Set<string>()
  JSON.stringify(profiles, (key: string, v: unknown) => {
    if (key === 'b' && typeof v === 'string') wanted.add(v)
    return v
  })
  return { ...named, profiles, valueSets: Object.fromEntries(Object.entries(valueSets).filter(([url]) => wanted.has(url))) }
}
