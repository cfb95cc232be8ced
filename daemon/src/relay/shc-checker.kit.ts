import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type IssuerSecret, jwksOf } from '@keepwell/sdk/health/shc/jwk'
import { certificate, hasOpenssl } from '#bin/certificate.kit'

/** For tests: SMART's own checker of health cards and links, in a checkout of smart-on-fhir/health-cards-dev-tools that was built. */
const folder = process.env.KEEPWELL_SHC_CHECKER

export const hasChecker = Boolean(folder) && hasOpenssl()
if (!hasChecker)
  console.warn(
    'SKIPPED SMART’s checker of health cards: set KEEPWELL_SHC_CHECKER to a built checkout of health-cards-dev-tools (and openssl)',
  )

export type Checker = {
  /** An issuer by https on this machine, which publishes its keys as the specification wants. */
  readonly iss: string
  /** What it says of a text, or of the chunks of one, that is worse than a note. Beside the tool's own version it looks nothing up but the issuer's keys. */
  check(type: string, content: string | readonly string[], ...options: readonly string[]): Promise<string[]>
  close(): void
}

type Said = { readonly log: readonly { readonly title: string; readonly level: string; readonly message: string }[] }

export async function openChecker(secret: IssuerSecret): Promise<Checker> {
  const place = mkdtempSync(join(tmpdir(), 'keepwell-shc-'))
  const { cert, key } = certificate(place, 'issuer')
  const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (request, response) => {
    const known = request.url === '/issuer/.well-known/jwks.json'
    response.writeHead(known ? 200 : 404, { 'access-control-allow-origin': '*', 'content-type': 'application/json' })
    response.end(known ? JSON.stringify(jwksOf([secret])) : '')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const env = { PATH: process.env.PATH, NODE_EXTRA_CA_CERTS: cert }
  const tool = join(folder!, 'js/src/shc-validator.js')
  let calls = 0
  return {
    iss: `https://localhost:${(server.address() as AddressInfo).port}/issuer`,
    async check(type, content, ...options) {
      const out = join(place, `${++calls}.json`)
      const paths = [content].flat().flatMap((text, i) => {
        const path = join(place, `${calls}-${i}${type === 'healthcard' ? '.smart-health-card' : '.txt'}`)
        writeFileSync(path, text)
        return ['--path', path]
      })
      const args = [tool, '--type', type, ...paths, '--logout', out, '--loglevel', 'warning', ...options]
      let said = ''
      // Where an answer is slow, its HTTP client ends the program (got 11 with a late `onCancel`): it is asked again.
      for (let tries = 0; tries < 3 && !said.includes('Validation completed'); tries++)
        said = await new Promise<string>(resolve =>
          execFile(process.execPath, args, { env }, (_, stdout, stderr) => resolve(stdout + stderr)),
        )
      if (!said.includes('Validation completed')) throw new Error(said)
      return (JSON.parse(readFileSync(out, 'utf8')) as Said[]).flatMap(s => s.log).map(l => `${l.title} ${l.level}: ${l.message}`)
    },
    close() {
      server.close()
      rmSync(place, { recursive: true, force: true })
    },
  }
}
