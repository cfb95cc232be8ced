import { createReadStream } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { KeepwellError } from '@keepwell/sdk/base/error'
import { compilePackage } from '@keepwell/sdk/health/fhir/profile/library'
import type { ProfilePackage } from '@keepwell/sdk/health/fhir/profile/types'
import { field, isObject, string } from '@keepwell/sdk/health/fhir/read'
import type { Shapes } from '@keepwell/sdk/health/fhir/shapes'

/** US Core unpacks to 30 MB, the largest guides to some 200. */
const MAX_UNPACKED = 512 << 20
const MAX_FILE = 32 << 20
const BLOCK = 512
const WANTED = /^package\/(package|StructureDefinition-[^/]*|ValueSet-[^/]*)\.json$/

const bad = (why: string): KeepwellError => new KeepwellError('BAD_INPUT', `A package of definitions ${why}.`)

async function unpacked(path: string): Promise<Buffer> {
  const parts: Buffer[] = []
  let size = 0
  try {
    await pipeline(createReadStream(path), createGunzip(), async source => {
      for await (const part of source as AsyncIterable<Buffer>) {
        size += part.length
        if (size > MAX_UNPACKED) throw bad('is larger than 512 MiB')
        parts.push(part)
      }
    })
  } catch (e) {
    throw e instanceof KeepwellError ? e : bad('cannot be unpacked')
  }
  return Buffer.concat(parts)
}

const text = (header: Buffer, from: number, to: number): string => header.toString('utf8', from, to).replace(/\0.*$/s, '')

/** The JSON files of a tar archive (POSIX ustar) at its top: packages have no longer names there. */
export function* jsonIn(tar: Buffer): Generator<readonly [name: string, content: unknown]> {
  for (let at = 0; at + BLOCK <= tar.length; ) {
    const header = tar.subarray(at, at + BLOCK)
    const name = text(header, 0, 100)
    if (!name) return
    const size = Number.parseInt(text(header, 124, 136).trim(), 8)
    if (!Number.isSafeInteger(size) || size < 0 || at + BLOCK + size > tar.length) throw bad('is cut short')
    if (WANTED.test(name) && size <= MAX_FILE) {
      try {
        yield [name, JSON.parse(tar.toString('utf8', at + BLOCK, at + BLOCK + size))]
      } catch {
        throw bad('holds a file that is no JSON')
      }
    }
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK
  }
}

async function ofFile(path: string, index: Shapes): Promise<ProfilePackage> {
  const resources: unknown[] = []
  let named = { name: path.replace(/^.*\//, ''), version: '' }
  for (const [name, content] of path.endsWith('.json')
    ? [[path, JSON.parse(await readFile(path, 'utf8'))] as const]
    : jsonIn(await unpacked(path)))
    if (name === 'package/package.json' && isObject(content))
      named = { name: string(content.name) ?? named.name, version: string(field(content, 'version')) ?? '' }
    else resources.push(content)
  return compilePackage(named, resources, index)
}

/**
 * The packages of definitions in a folder, or one of them: `.tgz` as HL7 publishes its guides (FHIR NPM packages), or a StructureDefinition as
 * `.json`. Only those with snapshots count. Throws BAD_INPUT for what is none.
 */
export async function readPackages(path: string, index: Shapes): Promise<ProfilePackage[]> {
  const there = await stat(path).catch(() => null)
  if (!there) throw bad('is not where it is said to be')
  const names = there.isDirectory() ? (await readdir(path)).filter(n => /\.(tgz|json)$/.test(n)).sort() : null
  const found: ProfilePackage[] = []
  for (const file of names ? names.map(n => join(path, n)) : [path]) {
    const made = await ofFile(file, index)
    if (!made.profiles.length) throw bad('holds no profile with a snapshot')
    found.push(made)
  }
  return found
}
