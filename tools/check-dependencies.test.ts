import { describe, expect, test } from 'vitest'
import { dependencyProblems, type Lock, type Manifest, readJson, WORKSPACES } from './check-dependencies.ts'

const manifests = Object.fromEntries(WORKSPACES.map(w => [w, readJson<Manifest>(`${w}/package.json`)]))
const lock = readJson<Lock>('package-lock.json')
const hashed = { integrity: 'sha512-AAAA' }

describe('T34: a dependency that turns hostile', () => {
  test('what is installed now is exact, hashed and listed', () => {
    expect(dependencyProblems(manifests, lock)).toEqual([])
  })

  test('a new install script is refused, however deep it comes in', () => {
    const packages = { ...lock.packages, 'node_modules/left-pad/node_modules/miner': { ...hashed, hasInstallScript: true } }
    expect(dependencyProblems(manifests, { packages })).toEqual(['miner runs an install script and is not listed'])
  })

  test('a dependency of the core that nobody put on the list is refused', () => {
    const sdk = { ...manifests.sdk, dependencies: { ...manifests.sdk?.dependencies, 'left-pad': '1.3.0' } }
    expect(dependencyProblems({ ...manifests, sdk }, lock)).toEqual(['sdk depends on left-pad, which tools/dependencies.ts does not list'])
  })

  test.each(['^1.0.0', 'latest', '*', 'git+https://example.org/x.git', '1.x'])('the version %s is none', version => {
    expect(dependencyProblems({ cli: { dependencies: { thing: version } } }, { packages: {} })).toHaveLength(1)
  })

  test('what has no hash in the lock file is refused', () => {
    const packages = { ...lock.packages, 'node_modules/unhashed': { resolved: 'https://elsewhere.example/unhashed.tgz' } }
    expect(dependencyProblems(manifests, { packages })).toEqual(['unhashed has no integrity hash in the lock file'])
  })
})
