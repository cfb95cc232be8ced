import { Worker } from 'node:worker_threads'

// A process around a fenced thread. V8 ends a thread that passes its limit of memory only where it looks, and within one call of its own (a
// parser, a clone) it does not look: then it is the process that ends, which is therefore this one. Its own loop stays free, so that it goes
// when whoever asked is gone, whatever the thread is busy with.

const { module, resourceLimits } = JSON.parse(process.argv[2] ?? '') as { module: string; resourceLimits: object }
const thread = new Worker(new URL(module), { resourceLimits, stdout: true, stderr: true })
const fall = (): never => process.exit(1)
thread.on('message', reply => process.send?.(reply)).on('error', fall)
thread.on('exit', fall)
// What a library prints may hold what it reads.
thread.stdout.resume()
thread.stderr.resume()
process.on('message', input => thread.postMessage(input))
process.on('disconnect', fall)
