import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BLIND_ENTRIES, NEVER_BLIND, ROOMS, TEST_FILE } from './rooms.ts'

const root = resolve(fileURLToPath(import.meta.url), '..', '..')

type Import = { readonly specifier: string; readonly typeOnly: boolean }
type Target = { readonly workspace: string; readonly room: string; readonly file: string | null }

const STATEMENT =
  /(?:^|\n)\s*(?:import|export)\s+(type\s)?([^'"`;]*?)\sfrom\s+['"]([^'"]+)['"]|(?:^|[^.\w])import\(\s*['"]([^'"]+)['"]|(?:^|\n)import\s+['"]([^'"]+)['"]/g

/** Import statements of a source text. `import { type A, type B }` counts as types only. */
export function importsOf(source: string): Import[] {
  return [...source.matchAll(STATEMENT)].map(([, type, names, from, dynamic, bare]) => {
    const braces = /^\{([^}]*)\}$/.exec((names ?? '').trim())?.[1]
    const members = braces
      ?.split(',')
      .map(m => m.trim())
      .filter(Boolean)
    const typeOnly = Boolean(type) || Boolean(members?.length && members.every(m => m.startsWith('type ')))
    return { specifier: from ?? dynamic ?? bare ?? '', typeOnly }
  })
}

function* sources(dir: string): Iterable<string> {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name)
    if (entry.isDirectory()) yield* sources(path)
    else if (/\.tsx?$/.test(entry.name) && !entry.name.endsWith('.d.ts')) yield path
  }
}

const roomOf = (workspace: string, path: string): string => {
  const inside = relative(join(root, workspace, 'src'), path)
  return inside.includes('/') ? inside.slice(0, inside.indexOf('/')) : ''
}

const fileOf = (workspace: string, path: string): string | null => {
  const candidate = join(root, workspace, 'src', `${path}.ts`)
  return existsSync(candidate) ? candidate : null
}

/** Where an import leads within the repository; null for packages. */
function targetOf(workspace: string, file: string, specifier: string): Target | null {
  if (specifier.startsWith('.')) {
    const path = resolve(dirname(file), specifier)
    return { workspace, room: roomOf(workspace, path), file: existsSync(path) ? path : null }
  }
  if (specifier === '#crypto/native/platform') return { workspace, room: 'crypto', file: join(root, 'sdk/src/crypto/native/node.ts') }
  if (specifier.startsWith('#')) {
    const path = specifier.slice(1)
    return { workspace, room: path.includes('/') ? path.slice(0, path.indexOf('/')) : '', file: fileOf(workspace, path) }
  }
  const match = /^@keepwell\/([a-z]+)\/(.+)$/.exec(specifier)
  if (!match) return null
  const [, other = '', path = ''] = match
  return { workspace: other, room: path.slice(0, path.indexOf('/')), file: fileOf(other, path) }
}

/** Whether the table lets `room` import `target`. */
function allowed(workspace: string, room: string, target: Target, typeOnly: boolean): boolean {
  const own = ROOMS[workspace]?.[room]
  if (!own) return false
  if (target.workspace === workspace) {
    if (target.room === room || own.uses.includes(target.room)) return true
    return typeOnly && (own.types ?? []).includes(target.room)
  }
  const name = `${target.workspace}/${target.room}`
  return (own.from ?? []).some(f => f === name || f === `${target.workspace}/*`)
}

function checkFile(workspace: string, file: string): string[] {
  const problems: string[] = []
  const name = relative(root, file)
  const room = roomOf(workspace, file)
  if (!ROOMS[workspace]?.[room]) return [`${name}: there is no room "${workspace}/${room}" in tools/rooms.ts`]
  const test = TEST_FILE.test(file)
  for (const { specifier, typeOnly } of importsOf(readFileSync(file, 'utf8'))) {
    const tool = test && /^(\.\.\/)+tools\//.test(specifier)
    if (specifier.startsWith('../') && !tool) problems.push(`${name}: "${specifier}" climbs; name the room instead`)
    const target = targetOf(workspace, file, specifier)
    if (!target || test) continue
    if (!allowed(workspace, room, target, typeOnly))
      problems.push(
        `${name}: ${workspace}/${room} may not import ${typeOnly ? 'types of ' : ''}${target.workspace}/${target.room} ("${specifier}")`,
      )
  }
  return problems
}

/** Every file reachable by value imports, with the path of files that leads there. */
function closure(entry: string): Map<string, readonly string[]> {
  const seen = new Map<string, readonly string[]>()
  const queue: [string, readonly string[]][] = [[join(root, entry), [entry]]]
  for (let next = queue.pop(); next; next = queue.pop()) {
    const [file, way] = next
    const name = relative(root, file)
    if (seen.has(name) || !existsSync(file)) continue
    seen.set(name, way)
    const workspace = name.slice(0, name.indexOf('/'))
    for (const { specifier, typeOnly } of importsOf(readFileSync(file, 'utf8'))) {
      const target = typeOnly ? null : targetOf(workspace, file, specifier)
      if (target?.file) queue.push([target.file, [...way, relative(root, target.file)]])
    }
  }
  return seen
}

function checkBlind(): string[] {
  return BLIND_ENTRIES.filter(e => existsSync(join(root, e))).flatMap(entry =>
    [...closure(entry)]
      .filter(([file]) => NEVER_BLIND.some(pattern => pattern.test(file)))
      .map(([, way]) => `the relay is no longer blind: ${way.join(' → ')}`),
  )
}

/** All violations of the table, one sentence each. */
export function checkRooms(): string[] {
  const files = Object.keys(ROOMS).flatMap(workspace => {
    const src = join(root, workspace, 'src')
    return existsSync(src) ? [...sources(src)].flatMap(file => checkFile(workspace, file)) : []
  })
  return [...files, ...checkBlind()]
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const problems = checkRooms()
  for (const p of problems) console.error(p)
  console.log(problems.length ? `${problems.length} wrong arrows` : 'rooms: every arrow goes down the page; the relay is blind')
  process.exitCode = problems.length ? 1 : 0
}
