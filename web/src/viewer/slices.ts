/** One picture of a stack: a frame, counted from 1, of a file. */
export type Slice = { readonly file: string; readonly frame: number }
export type LoadFile = (file: string) => Promise<Uint8Array>

/** A place in the picture, in pixels from the centre of its first one. */
export type Point = readonly [x: number, y: number]
export type Window = { readonly center: number; readonly width: number }

/** A file may claim any number; the longest that hearts and blood vessels are filmed for is far below. */
const MOST_FRAMES = 20_000

/** The frames of files, in order. */
export const slicesOf = (files: readonly { readonly file: string; readonly frames: number }[]): Slice[] =>
  files.flatMap(({ file, frames }) =>
    Array.from({ length: Math.min(MOST_FRAMES, Math.max(1, frames)) }, (_, i) => ({ file, frame: i + 1 })),
  )

/** What is fetched next to a picture: a few on either side, more in the direction of reading; nearest first. */
export function around(index: number, count: number, { ahead, behind }: { readonly ahead: number; readonly behind: number }): number[] {
  const out: number[] = []
  for (let step = 1; step <= Math.max(ahead, behind); step++) {
    if (step <= ahead && index + step < count) out.push(index + step)
    if (step <= behind && index - step >= 0) out.push(index - step)
  }
  return out
}
