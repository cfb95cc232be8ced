import dgram from 'node:dgram'
import dns from 'node:dns'
import { writeSync } from 'node:fs'
import net from 'node:net'

const LOOPBACK = /^(127(\.\d+){3}|::1|::ffff:127(\.\d+){3}|localhost)$/

/**
 * Reports every attempt of this process to reach another host: TCP, UDP and name look-ups, of which a process that speaks to nobody makes none.
 * Node's own `http`, `https`, `tls`, `fetch` and every library go through these.
 */
export function guardNetwork(report: (line: string) => void): { release(): void } {
  const { connect } = net.Socket.prototype
  const udp = dgram.Socket.prototype.send
  const { lookup } = dns
  net.Socket.prototype.connect = function (this: net.Socket, ...args: unknown[]) {
    const given = (Array.isArray(args[0]) ? args[0][0] : args[0]) as { host?: string; path?: string; port?: number } | number | string
    const host = typeof given === 'object' ? given.host : typeof args[1] === 'string' ? args[1] : undefined
    const local = typeof given === 'object' ? given.path !== undefined : typeof given === 'string'
    if (!local && !LOOPBACK.test(host ?? 'localhost')) report(`tcp ${host}`)
    return connect.apply(this, args as never)
  } as typeof connect
  dgram.Socket.prototype.send = function (this: dgram.Socket, ...args: unknown[]) {
    report('udp')
    return udp.apply(this, args as never)
  } as typeof udp
  dns.lookup = ((name: string, ...rest: unknown[]) => {
    if (!LOOPBACK.test(name) && net.isIP(name) === 0) report(`lookup ${name}`)
    return (lookup as (...args: unknown[]) => unknown)(name, ...rest)
  }) as typeof lookup
  return {
    release() {
      net.Socket.prototype.connect = connect
      dgram.Socket.prototype.send = udp
      dns.lookup = lookup
    },
  }
}

export const LEAVES = 'NETWORK LEAVES THE HOST: '

// Loaded with `node --import`, it guards that process and tells on standard error.
if (process.env.KEEPWELL_E2E_GUARD) guardNetwork(line => writeSync(2, `${LEAVES}${line}\n`))
