import { connect } from 'node:net'
import { argv } from 'node:process'
import { header, RESULT, segment } from '@keepwell/sdk/health/hl7v2/messages.kit'

/** A sender as a process of its own: `node hl7v2-load.kit.ts PORT CONNECTIONS SECONDS`. Each connection waits for an answer before it sends again. */
const [port, connections, seconds] = argv.slice(2).map(Number) as [number, number, number]
const times: number[] = []
let refused = 0

/** A result of eleven values for one of eight patients: a message, a filler number of its own. */
function message(connection: number, n: number): Buffer {
  const id = `${connection}-${n}`
  const [, , orc, obr, ...rest] = RESULT
  const pid = segment('PID', { 3: `${connection % 8}^^^BENCH^MR`, 5: 'Ostrowska^Ada', 7: '19800229', 8: 'F' })
  const own = (s: string): string => s.replace('F1^LAB', `${id}^LAB`)
  return Buffer.from(`\x0b${[header('ORU^R01', '+0100', id), pid, own(orc!), own(obr!), ...rest].join('\r')}\x1c\r`)
}

const end = performance.now() + seconds * 1000
function run(connection: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let n = 0
    let sent = 0
    let answer = ''
    const next = (): void => {
      if (performance.now() > end) return void socket.destroy()
      sent = performance.now()
      socket.write(message(connection, n++))
    }
    const socket = connect(port, '127.0.0.1', next)
    socket.setNoDelay(true)
    socket.once('error', reject)
    socket.once('close', () => resolve())
    socket.on('data', chunk => {
      answer += chunk.toString('latin1')
      if (!answer.endsWith('\x1c\r')) return
      if (answer.includes('MSA|AA|')) times.push(performance.now() - sent)
      else refused++
      answer = ''
      next()
    })
  })
}

await Promise.all(Array.from({ length: connections }, (_, c) => run(c)))
times.sort((a, b) => a - b)
const at = (share: number): number => times[Math.floor(times.length * share)] ?? Number.NaN
console.log(JSON.stringify({ perSecond: times.length / seconds, p50: at(0.5), p99: at(0.99), refused, bytes: message(0, 0).length }))
