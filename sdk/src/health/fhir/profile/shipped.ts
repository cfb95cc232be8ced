/** The profiles that ship: R4's own, the International Patient Summary's, and US Core's. */
import { shapes } from '#health/fhir/shapes'
import { openLibrary, type ProfileLibrary } from './library.ts'
import type { ProfilePackage } from './types.ts'

/** Loads definitions and profiles, and adds an operator's packages. */
export async function loadLibrary(more: readonly ProfilePackage[] = []): Promise<ProfileLibrary> {
  const [{ definitions }, { packages }] = await Promise.all([
    import('#health/fhir/definitions.generated'),
    import('./packages.generated.ts'),
  ])
  return openLibrary([...(JSON.parse(packages) as ProfilePackage[]), ...more], shapes(definitions))
}
