import { execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'

export type Certificate = {
  /** Files. */
  readonly cert: string
  readonly key: string
  /** SHA-256 of its public key, as Chromium's `--ignore-certificate-errors-spki-list` takes it. */
  readonly pin: string
}

export const hasOpenssl = (): boolean => spawnSync('openssl', ['version']).status === 0

/** A certificate signed by itself, good for two days, for this machine and for `hosts`. */
export function certificate(dir: string, name: string, hosts: readonly string[] = []): Certificate {
  const cert = join(dir, `${name}.crt`)
  const key = join(dir, `${name}.key`)
  const names = ['IP:127.0.0.1', 'DNS:localhost', ...hosts.map(h => `DNS:${h}`)].join(',')
  const make = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  execFileSync('openssl', [...make, '-keyout', key, '-out', cert, '-subj', `/CN=${name}`, '-addext', `subjectAltName=${names}`], {
    stdio: 'ignore',
  })
  const spki = execFileSync('openssl', ['pkey', '-in', key, '-pubout', '-outform', 'DER'])
  const pin = execFileSync('openssl', ['dgst', '-sha256', '-binary'], { input: spki }).toString('base64')
  return { cert, key, pin }
}
