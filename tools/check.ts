import { spawnSync } from 'node:child_process'

/** `npm run check`: types, lint and format, rooms, generated files fresh. Runs all, then says what failed. */
const STEPS: readonly (readonly [name: string, command: string, ...args: string[]])[] = [
  ['types', 'tsc', '--noEmit'],
  ['lint', 'biome', 'check', '--error-on-warnings', '.'],
  ['rooms', 'node', 'tools/check-rooms.ts'],
  ['dependencies', 'node', 'tools/check-dependencies.ts'],
  ['docs', 'node', 'tools/check-docs.ts'],
  ['generated', 'node', 'tools/check-generated.ts'],
]

const failed = STEPS.filter(([name, command, ...args]) => {
  const started = performance.now()
  const { status } = spawnSync(command, args, { stdio: 'inherit' })
  console.log(`${status === 0 ? 'ok  ' : 'FAIL'} ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`)
  return status !== 0
})
process.exitCode = failed.length ? 1 : 0
