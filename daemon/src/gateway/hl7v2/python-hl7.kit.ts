// For tests: python-hl7 (Debian package python3-hl7), an MLLP client and parser that is not ours.
import { spawn, spawnSync } from 'node:child_process'

const PYTHON = '/usr/bin/python3'

export const hasPythonHl7 = (): boolean => spawnSync(PYTHON, ['-c', 'import hl7.client']).status === 0

/** Sends the messages of its lines (JSON strings) one after the other over one connection, and prints each answer as JSON. */
const CLIENT = `
import sys, json, hl7.client
with hl7.client.MLLPClient('127.0.0.1', int(sys.argv[1])) as client:
    for line in sys.stdin:
        try:
            answer = client.send_message(json.loads(line).encode('utf-8'))
        except Exception:
            break
        if not answer: break
        print(json.dumps(answer.decode('utf-8')), flush=True)
`

/** What python-hl7 got for each message it could send, as text; fewer when the connection broke. */
export async function sendByPython(port: number, messages: readonly string[], onAnswer: () => void = () => {}): Promise<string[]> {
  const child = spawn(PYTHON, ['-c', CLIENT, String(port)], { stdio: ['pipe', 'pipe', 'ignore'] })
  child.stdin.on('error', () => {})
  child.stdin.end(messages.map(m => `${JSON.stringify(m)}\n`).join(''))
  let out = ''
  child.stdout.on('data', chunk => {
    out += chunk
    // Several may come in one piece.
    for (const _ of String(chunk).matchAll(/\n/g)) onAnswer()
  })
  await new Promise(resolve => child.once('close', resolve))
  return out
    .split('\n')
    .filter(Boolean)
    .map(l => JSON.parse(l) as string)
}
