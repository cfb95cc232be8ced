import type { Tool } from './image-bar.tsx'
import type { Command } from './keys.ts'
import { windowBy } from './presets.ts'
import type { Point } from './slices.ts'
import type { Stack } from './stack.ts'
import type { Measures } from './use-measures.ts'
import type { Viewing } from './use-stack.ts'

type Parts = {
  readonly viewing: Viewing
  readonly measures: Measures
  readonly centre: () => Point
  readonly choose: (tool: Tool, mark?: Point | null) => void
  readonly full: () => void
  readonly play: () => void
}

/** Carries out what keys ask for. */
export function useCommands({ viewing, measures, centre, choose, full, play }: Parts): (command: Command) => void {
  const { index, count, go } = viewing
  const move = (open: Stack, x: number, y: number): void => {
    const mark = measures.draft && (measures.draft.mark ?? centre())
    if (mark) measures.mark([mark[0] + x, mark[1] + y])
    else open.move([0, 0], [x, y])
  }
  const onPicture = (open: Stack, c: Command): void => {
    if (c.do === 'window') {
      const { window } = open.look()
      const step = Math.max(1, window.width / 20)
      open.window(windowBy(window, { center: c.center * step, width: c.width * step }))
    } else if (c.do === 'zoom') open.zoom(c.factor)
    else if (c.do === 'move') move(open, c.x, c.y)
    else if (c.do === 'tool') choose(c.tool, centre())
    else if (c.do === 'invert' || c.do === 'turn' || c.do === 'flip' || c.do === 'reset') open[c.do]()
    else if (c.do === 'point' && measures.draft?.mark) measures.set(measures.draft.mark)
  }
  return c => {
    const open = viewing.stack.current
    if (c.do === 'step') go(index + c.by)
    else if (c.do === 'first') go(0)
    else if (c.do === 'last') go(count - 1)
    else if (c.do === 'full') full()
    else if (c.do === 'play') play()
    else if (c.do === 'stop') choose(count > 1 ? 'scroll' : 'window')
    else if (open && viewing.picture.shown) onPicture(open, c)
  }
}
