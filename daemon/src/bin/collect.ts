import { setFlagsFromString } from 'node:v8'

/**
 * V8 goes through the whole heap whenever 64 MB of bytes beside it were made anew: for a server that passes images on, or has a session of
 * many records open, that is every second, and most of its work. With this such bytes count as what they are, a part of what the process
 * holds, and are collected when that has grown. For processes that serve; up to some 200 MB more of them is held.
 */
export const collectSeldom = (): void => setFlagsFromString('--external-memory-accounted-in-global-limit')
