import { processIo } from './io.ts'
import { run } from './run.ts'

const io = processIo()
process.exitCode = await run(io, process.argv.slice(2))
await io.end()
