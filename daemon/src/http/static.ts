import { readFile, realpath, stat } from 'node:fs/promises'
import { extname, join, sep } from 'node:path'
import { KeepwellError } from '@keepwell/sdk/base/error'
import type { HttpAnswer, HttpRoute } from './route.ts'

/** Media types by ending. */
export const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
  '.txt': 'text/plain; charset=utf-8',
}

/**
 * What a page of ours may do: run its own code and WebAssembly (Argon2id), in workers too, and talk to relays anywhere over TLS or on this
 * machine. Nothing inline, nothing from elsewhere.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "font-src 'self'",
  "media-src 'self' blob:",
  "manifest-src 'self'",
  "connect-src 'self' https: http://localhost:* http://127.0.0.1:*",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  // Text becomes no script; markup of others is only parsed (`inert`), and an address becomes a script when it is one of our own files (`default`).
  "require-trusted-types-for 'script'",
  'trusted-types default inert',
].join('; ')

/** What every file of the app is served with; a release names them too, so that an installed app keeps them. */
export const PAGE_HEADERS = {
  'content-security-policy': POLICY,
  'permissions-policy': 'camera=(self), microphone=(), geolocation=()',
}
/** Built files carry a hash of their content in their name. */
const HASHED = /-[A-Za-z0-9_-]{8,}\.\w+$/

/**
 * A built web application: files of `root` and, for paths of its own, `index.html`. Files outside the folder, hidden ones and links out of
 * it do not exist, nor do paths that begin with one of `except`: those are an interface's.
 */
export function staticRoutes(root: string, except: readonly string[]): HttpRoute[] {
  const at = (path: string): HttpRoute => ({
    name: 'web',
    method: 'GET',
    path,
    async handle({ params }) {
      if (except.includes(params.a ?? '')) throw missing()
      return fileAnswer(root, Object.values(params).join('/'))
    },
  })
  return ['/{a}', '/{a}/{b}', '/{a}/{b}/{c}', '/{a}/{b}/{c}/{d}'].map(at)
}

/** A file of `root`; for '' and for names without an ending, `index.html`. */
export async function fileAnswer(root: string, path: string): Promise<HttpAnswer> {
  const parts = path.split('/')
  if (parts.some(p => p.startsWith('.') || /[\\/\0]/.test(p))) throw missing()
  const wanted = path !== '' && extname(path) ? path : 'index.html'
  const base = await realpath(root)
  const file = await realpath(join(base, wanted)).catch(() => null)
  if (!file?.startsWith(base + sep) || !(await stat(file)).isFile()) throw missing()
  const cache = HASHED.test(file) ? 'public, max-age=31536000, immutable' : 'no-cache'
  const type = TYPES[extname(file).toLowerCase()] ?? 'application/octet-stream'
  return { type, headers: { ...PAGE_HEADERS, 'cache-control': cache }, body: await readFile(file) }
}

const missing = () => new KeepwellError('NO_ROUTE', 'There is nothing at that path.')
