import { type Fenced, fenced } from '@keepwell/adapters/base/fenced'
import type { Task } from './render-task.ts'

/** Throws UNREADABLE (also when decoding took too long), NOT_SUPPORTED, TOO_LARGE, RATE_LIMITED when too many wait. */
export type Renderer = Pick<Fenced<Task, Uint8Array>, 'run' | 'close'>

/** Decodes foreign pixels behind a fence, one task after another: a decoder that crashes, or never ends, costs its own picture. */
export const renderer = (): Renderer =>
  fenced<Task, Uint8Array>({ module: new URL('./render-thread.ts', import.meta.url), milliseconds: 20_000, megabytes: 1024, waiting: 64 })
