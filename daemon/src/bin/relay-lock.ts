import { join } from 'node:path'
import { lockFile } from '@keepwell/adapters/base/lock'

/**
 * Takes the lock of the relay in `dir`; throws LOCKED while a process has it. Apart from the relay, which is a thousand modules: who only
 * wants to know whether it is served elsewhere loads none of them.
 */
export const lockRelay = (dir: string): { release(): void } => lockFile(join(dir, 'lock'))
