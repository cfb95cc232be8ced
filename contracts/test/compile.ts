import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import solc from 'solc'
import type { Abi, Hex } from 'viem'

const require = createRequire(import.meta.url)
const { settings } = JSON.parse(readFileSync(new URL('../solc.json', import.meta.url), 'utf8')) as { settings: object }

/** Standard-JSON input and output of compiling these files as those in src are; sources carry their absolute paths, packages their names. */
export function compileFiles(paths: readonly string[], outputSelection: object) {
  const sources = Object.fromEntries(paths.map(path => [path, { content: readFileSync(path, 'utf8') }]))
  const input = { language: 'Solidity', sources, settings: { ...settings, outputSelection } }
  const found = (path: string) => ({ contents: readFileSync(path.startsWith('/') ? path : require.resolve(path), 'utf8') })
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: found }))
  const errors: { severity: string; formattedMessage: string }[] = output.errors ?? []
  const fatal = errors.filter(error => error.severity === 'error').map(error => error.formattedMessage)
  if (fatal.length > 0) throw new Error(fatal.join('\n'))
  return { input, output }
}

/** One contract that is not in src. */
export function compile(file: URL, name: string): { abi: Abi; bytecode: Hex } {
  const path = fileURLToPath(file)
  const { output } = compileFiles([path], { '*': { '*': ['abi', 'evm.bytecode.object'] } })
  const contract = output.contracts[path]?.[name]
  if (!contract) throw new Error(`no contract ${name} in ${path}`)
  return { abi: contract.abi, bytecode: `0x${contract.evm.bytecode.object}` }
}
