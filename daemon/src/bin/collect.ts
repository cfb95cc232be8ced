import { setFlagsFromString } from 'node:v8'

/**
 * For processes that serve: the whole heap is gone through when what they hold has grown, and for nothing else.
 *
 * V8 also does so whenever 64 MB of bytes beside the heap were made anew: for a server that passes images on, or has a session of many records
 * open, that is every second, and most of its work. Here such bytes count as what they are, a part of what the process holds; up to some 200 MB
 * more of them is held.
 *
 * And it makes objects old at once that are written at a place in the code whose objects once lived long. While a session opens, or a large
 * answer waits for its reader, everything lives long; from then on each answer's entries would be old from the beginning, and all they point to
 * with them, until there is so much that the whole heap is gone through. Here everything is young first.
 */
export const collectSeldom = (): void => {
  setFlagsFromString('--external-memory-accounted-in-global-limit')
  setFlagsFromString('--no-allocation-site-pretenuring')
}
